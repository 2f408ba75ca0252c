/** The last minutes of /api/system, kept whichever page is open: what the charts are drawn from. */

import { connection } from '../net/connection.svelte'
import { fleet } from './fleet.svelte'
import type { StatusCounts, SystemInfo } from '../net/wire'

const SPAN_MS = 10 * 60_000
/** So much is shown at the least: a line that grows from the left, not a dot. */
const LEAST_SPAN_MS = 2 * 60_000
/** Readings further apart than this have something unknown between them, not a line. */
const GAP_MS = 25_000

/** One reading; null is what could not be seen then. */
export interface Sample {
  at_ms: number
  lag_p50_ms: number | null
  lag_p99_ms: number | null
  commit_ms: number | null
  rows_per_commit: number | null
  commits_per_s: number | null
  rows_per_s: number | null
  pending_rows: number | null
  ticks_per_s: number | null
  queue_depth: number | null
  memory_bytes: number | null
  sockets: number | null
  streams: number | null
  lagging: number | null
  sessions: StatusCounts
}

interface Counters {
  at_ms: number
  start_id: string | null
  commits: number | null
  rows: number | null
  ticks: number | null
}

class History {
  #samples = $state.raw<Sample[]>([])
  #last: Counters | null = null
  #hasMissed = false

  /** Oldest first, at most `SPAN_MS` long. */
  get samples(): Sample[] {
    return this.#samples
  }

  /** From when to when the charts reach. */
  get range(): [number, number] {
    const last = this.#samples.at(-1)?.at_ms ?? 1
    return [Math.min(this.#samples[0]?.at_ms ?? 0, last - LEAST_SPAN_MS), last]
  }

  /** A reading failed: what happened until the next one is unknown. */
  missed(): void {
    this.#hasMissed = true
  }

  add(info: SystemInfo): void {
    const now = countersOf(info)
    const before = this.#last
    if (before && now.at_ms <= before.at_ms) return
    this.#last = now
    const sample = sampleOf(info, now, before)
    const kept = this.#samples.filter((each) => each.at_ms > now.at_ms - SPAN_MS)
    const isUnknown = this.#hasMissed || (before && now.at_ms - before.at_ms > GAP_MS)
    const gap = before && isUnknown ? [unseen(before.at_ms + 1)] : []
    this.#hasMissed = false
    this.#samples = [...kept, ...gap, sample]
  }
}

function sampleOf(info: SystemInfo, now: Counters, before: Counters | null): Sample {
  return {
    at_ms: now.at_ms,
    lag_p50_ms: info.loop?.lag_p50_ms ?? null,
    lag_p99_ms: info.loop?.lag_p99_ms ?? null,
    commit_ms: info.journal?.commit_ms ?? null,
    rows_per_commit: info.journal?.rows_per_commit ?? null,
    commits_per_s: rate(now, before, 'commits'),
    rows_per_s: rate(now, before, 'rows'),
    pending_rows: info.journal?.pending_rows ?? null,
    ticks_per_s: rate(now, before, 'ticks'),
    queue_depth: info.queue.depth,
    memory_bytes: info.memory_bytes,
    ...info.clients,
    sessions: info.sessions,
  }
}

const countersOf = (info: SystemInfo): Counters => ({
  at_ms: Date.parse(info.now),
  start_id: info.start_id,
  commits: info.journal?.commits ?? null,
  rows: info.journal?.rows ?? null,
  ticks: fleetTicks(),
})

/** The sum of a list that is not whole, or not live, would show a step that never was. */
function fleetTicks(): number | null {
  if (!fleet.loaded || !connection.up) return null
  let ticks = 0
  for (const session of fleet.values()) ticks += session.ticks
  return ticks
}

/** Null across a restart of the worker: its counters begin anew. */
function rate(now: Counters, before: Counters | null, name: 'commits' | 'rows' | 'ticks'): number | null {
  const [to, from] = [now[name], before?.[name]]
  if (!before || to === null || from === null || from === undefined || now.start_id !== before.start_id) return null
  if (to < from || now.at_ms - before.at_ms > GAP_MS) return null
  return ((to - from) / (now.at_ms - before.at_ms)) * 1000
}

const unseen = (at_ms: number): Sample => ({
  at_ms,
  lag_p50_ms: null,
  lag_p99_ms: null,
  commit_ms: null,
  rows_per_commit: null,
  commits_per_s: null,
  rows_per_s: null,
  pending_rows: null,
  ticks_per_s: null,
  queue_depth: null,
  memory_bytes: null,
  sockets: null,
  streams: null,
  lagging: null,
  sessions: {},
})

export const history = new History()
