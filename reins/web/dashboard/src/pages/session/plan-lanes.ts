/** The bars of a plan: which lane has which runs, and from when to when. */

import type { Plan, PlanRun } from '../../net/wire'
import { formatClock, formatCost, formatCount, formatMs } from '../../ui/time.svelte'

export type Look = 'done' | 'failed' | 'cancelled' | 'abandoned' | 'person' | 'waiting' | 'running'

export interface Bar {
  key: string
  /** A wait for an alarm, which is to come: its end is after now. */
  isAhead: boolean
  /** Of the node whose lane it is in. */
  node: string
  look: Look
  /** Milliseconds since 1970; null where it is not known. */
  from: number | null
  /** Null while it goes on. */
  to: number | null
  /** The row that tells of it; null where that was not read. */
  seq: number | null
  /** All that is known of it, in a line. */
  words: string
}

const LOOKS: Record<PlanRun['outcome'], Look> = {
  done: 'done',
  replaced: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  retried: 'cancelled',
  unused: 'cancelled',
  abandoned: 'abandoned',
  skipped: 'person',
  set: 'person',
  alarm: 'waiting',
}
const OUTCOMES: Partial<Record<PlanRun['outcome'], string>> = {
  replaced: 'replaced by a plan',
  retried: 'given up, to be begun again',
  unused: 'ended too late to count',
  abandoned: 'abandoned: it may run on',
  set: 'its state was set',
  alarm: 'waited until its time',
}

export const time = (iso: string | null): number | null => (iso === null ? null : Date.parse(iso))

/** Every bar, in the order of its lane's node and then of time. */
export function barsOf(plan: Plan, nameOf: (node: string) => string): Map<string, Bar[]> {
  const lanes = new Map<string, Bar[]>(plan.nodes.map(({ path }) => [path, []]))
  const put = (bar: Bar): void => {
    const lane = lanes.get(bar.node)
    if (lane) lane.push(bar)
  }
  plan.runs.forEach((run) => put(barOf(run, run.name ?? nameOf(run.node))))
  for (const { node, path, name, running, began_at, since, seq } of plan.live) {
    const from = time(began_at ?? since)
    const began = from === null ? '' : `since ${formatClock(new Date(from))}`
    const words = [`${name} ${path}`, running ? 'runs' : 'waits to be begun', began]
    put({ key: `live ${path}`, isAhead: false, node, look: running ? 'running' : 'waiting', from, to: null, seq, words: words.filter(Boolean).join(', ') })
  }
  for (const { node, path, left_s, running, since, seq } of plan.timers) {
    const due = Date.parse(plan.now) + left_s * 1000
    const words = `${nameOf(node)} ${path}, ${running ? `waits, ${formatClock(new Date(due))} at the latest` : `its clock stands, ${formatMs(left_s * 1000)} left`}`
    put({ key: `wait ${path}`, isAhead: true, node, look: 'waiting', from: time(since), to: due, seq, words })
  }
  return lanes
}

function barOf(run: PlanRun, name: string): Bar {
  const from = time(run.started_at)
  const to = Date.parse(run.ended_at)
  const when = from === null ? `until ${formatClock(run.ended_at)}` : `${formatClock(new Date(from))} for ${formatMs(to - from)}`
  const words = [`${name} ${run.path}`, OUTCOMES[run.outcome] ?? run.outcome, when]
  if (run.tokens > 0) words.push(`${formatCount(run.tokens)} tokens`)
  if (run.cost_usd > 0) words.push(formatCost(run.cost_usd))
  const said = run.error ?? run.said
  const key = `${run.seq} ${run.path} ${run.outcome}`
  return { key, isAhead: false, node: run.node, look: LOOKS[run.outcome], from, to, seq: run.seq, words: words.join(', ') + (said ? `: ${said}` : '') }
}

export interface Span {
  from: number
  /** Null while something beneath goes on. */
  to: number | null
}

/** From the first bar beneath a node to the last, for each node that has one. */
export function spansOf(lanes: Map<string, Bar[]>): Map<string, Span> {
  const spans = new Map<string, Span>()
  for (const [path, bars] of lanes) {
    for (const { from, to, isAhead } of bars) {
      if (isAhead) continue
      for (const above of pathsAbove(path)) {
        const known = spans.get(above)
        const begin = from ?? to ?? Infinity
        const end = to === null || known?.to === null ? null : Math.max(to, known?.to ?? -Infinity)
        spans.set(above, { from: Math.min(begin, known?.from ?? Infinity), to: end })
      }
    }
  }
  return spans
}

/** The paths of the nodes above one. */
function pathsAbove(path: string): string[] {
  const found: string[] = []
  for (let at = path; at !== '/'; ) {
    at = at.slice(0, Math.max(1, at.lastIndexOf('/')))
    found.push(at)
  }
  return found
}
