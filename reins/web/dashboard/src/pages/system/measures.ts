/** The measures of the System page: each with its figures, its unit and its goal. */

import type { Sample } from '../../state/history.svelte'
import { formatBytes, formatCount, formatMs } from '../../ui/time.svelte'
import type { StatusCounts, SystemInfo } from '../../net/wire'

export interface Line {
  /** The name of the figure, if a measure has several. */
  name: string
  /** A colour token, without the dashes. */
  hue: string
  dashed?: boolean
  of: (sample: Sample) => number | null
}

export interface Measure {
  name: string
  /** The first line is the number that is written large. */
  lines: Line[]
  format: (value: number) => string
  /** The goal, in words. */
  should: string
  /** The worst value that is still good; drawn as a line. */
  goal?: number
  /** The chart is at least this tall, so that noise near zero does not look like mountains. */
  least: number
  /** Measured inside the worker, thus unseen from another process. */
  inWorker?: boolean
}

const count = (value: number): string => formatCount(Math.round(value))
const perSecond = (value: number): string => `${value < 10 ? value.toFixed(1) : count(value)}/s`
const perCommit = (value: number): string => value.toFixed(value < 100 ? 1 : 0)

const sum = (counts: StatusCounts, ...names: (keyof StatusCounts)[]): number =>
  names.reduce((total, name) => total + (counts[name] ?? 0), 0)

const sessions =
  (...names: (keyof StatusCounts)[]) =>
  (sample: Sample): number | null =>
    // A moment that was not seen has no counts, as it has no memory.
    sample.memory_bytes === null ? null : sum(sample.sessions, ...names)

export const MEASURES: Measure[] = [
  {
    name: 'Loop lag',
    lines: [
      { name: 'p99', hue: 'accent', of: (sample) => sample.lag_p99_ms },
      { name: 'p50', hue: 'ink-3', dashed: true, of: (sample) => sample.lag_p50_ms },
    ],
    format: formatMs,
    should: 'p99 under 20 ms',
    goal: 20,
    least: 20,
    inWorker: true,
  },
  {
    name: 'Commit latency',
    lines: [{ name: 'median', hue: 'accent', of: (sample) => sample.commit_ms }],
    format: formatMs,
    should: 'a few ms: one sync of the disk',
    least: 5,
    inWorker: true,
  },
  {
    name: 'Rows per commit',
    lines: [{ name: 'newest commits', hue: 'accent', of: (sample) => sample.rows_per_commit }],
    format: perCommit,
    should: 'more under load: one sync for many',
    least: 2,
    inWorker: true,
  },
  {
    name: 'Rows written',
    lines: [
      { name: 'rows', hue: 'accent', of: (sample) => sample.rows_per_s },
      { name: 'commits', hue: 'ink-3', dashed: true, of: (sample) => sample.commits_per_s },
    ],
    format: perSecond,
    should: 'a little more than the ticks',
    least: 2,
    inWorker: true,
  },
  {
    name: 'Journal rows pending',
    lines: [{ name: 'rows', hue: 'accent', of: (sample) => sample.pending_rows }],
    format: count,
    should: 'about a second of them; below 200k',
    least: 10,
    inWorker: true,
  },
  {
    name: 'Queue depth',
    lines: [{ name: 'actions', hue: 'accent', of: (sample) => sample.queue_depth }],
    format: count,
    should: 'back to 0 within seconds',
    least: 10,
  },
  {
    name: 'Ticks',
    lines: [{ name: 'all sessions', hue: 'accent', of: (sample) => sample.ticks_per_s }],
    format: perSecond,
    should: 'running sessions ÷ their heartbeat (3 s)',
    least: 2,
  },
  {
    name: 'Sessions',
    lines: [
      { name: 'running', hue: 'running', of: sessions('running') },
      { name: 'paused', hue: 'paused', of: sessions('pausing', 'paused') },
      { name: 'failed', hue: 'failed', of: sessions('failed') },
      { name: 'ended', hue: 'stopped', of: sessions('stopping', 'stopped', 'completed') },
    ],
    format: count,
    should: 'none failed',
    least: 4,
  },
  {
    name: 'Memory',
    lines: [{ name: 'this process', hue: 'accent', of: (sample) => sample.memory_bytes }],
    format: formatBytes,
    should: 'flat over hours',
    least: 100_000_000,
  },
  {
    name: 'Clients',
    lines: [
      { name: 'sockets', hue: 'accent', of: (sample) => sample.sockets },
      { name: 'streams', hue: 'ink-3', dashed: true, of: (sample) => sample.streams },
      { name: 'lagging', hue: 'failed', of: (sample) => sample.lagging },
    ],
    format: count,
    should: 'none lagging',
    least: 4,
  },
]

/** The reason why a figure of the worker is not here; empty if it is. */
export function unseenBecause(info: SystemInfo): string {
  if (info.worker === 'here') return ''
  if (info.worker === 'none') return 'No worker runs, so some charts have no data. Start one: python -m agents'
  const pid = info.worker_pid === null ? '' : ` (pid ${info.worker_pid})`
  return `The worker is another process${pid}: its own measures are not visible here; its log has them. make run runs both in one process and shows all measures.`
}
