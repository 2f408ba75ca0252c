/** A session's whole life in few numbers, asked for again while it grows. */

import { api } from '../../../net/api'
import type { Overview, Stretch } from '../../../net/wire'
import { BUCKETS } from './finder.svelte'

/** The longer a log, the dearer is the question; and the less does a row change. */
const LEAST_WAIT_MS = 4000
const WAIT_MS_A_ROW = 0.15

export class SessionLife {
  shown = $state.raw<Overview | null>(null)
  axis = $state<'time' | 'seq'>('time')
  #askedAt = -Infinity
  #stop = new AbortController()

  constructor(readonly sessionId: string) {}

  /** Asks now. */
  async load(): Promise<void> {
    this.#askedAt = performance.now()
    this.#stop.abort()
    this.#stop = new AbortController()
    try {
      this.shown = await api.overview(this.sessionId, { buckets: BUCKETS, axis: this.axis }, this.#stop.signal)
    } catch {
      // What is shown was true; the connection strip says that the server is gone.
    }
  }

  /** True where the log has grown and it is time to ask again. */
  isDue(head: number): boolean {
    const wait = Math.max(LEAST_WAIT_MS, head * WAIT_MS_A_ROW)
    return head !== this.shown?.head && performance.now() - this.#askedAt > wait && !document.hidden
  }

  close(): void {
    this.#stop.abort()
  }
}

const numberOf = (end: string | number): number => (typeof end === 'number' ? end : Date.parse(end))

/** How far along the stretch a place is: 0 to 1. */
export function partOf(stretch: Stretch, place: number): number {
  const [begin, end] = [numberOf(stretch.begin), numberOf(stretch.end)]
  return end > begin ? Math.min(1, Math.max(0, (place - begin) / (end - begin))) : 0
}

/** The place that is so far along. */
export function placeAt(stretch: Stretch, part: number): number {
  const [begin, end] = [numberOf(stretch.begin), numberOf(stretch.end)]
  return begin + (end - begin) * Math.min(1, Math.max(0, part))
}
