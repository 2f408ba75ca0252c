/** Who listens to topics and how far behind they are, as far as lists show it: read for what is in sight, now and then. */

import { api, isAbort } from '../net/api'

const FRESH_MS = 10_000
const IN_FLIGHT = 2
const KEPT = 1_000

export interface Readers {
  count: number
  /** Of the one that is furthest behind. */
  lag: number
  lag_s: number
}

export class TopicReaders {
  #found = $state.raw<ReadonlyMap<string, Readers>>(new Map())
  #readAt = new Map<string, number>()
  #wanted: string[] = []
  #flying = 0
  #stop = new AbortController()

  get(topic: string): Readers | undefined {
    return this.#found.get(topic)
  }

  /** Reads those that were not read for a while; a newer call replaces what an older one still wanted. */
  want(topics: string[]): void {
    const now = performance.now()
    this.#wanted = topics.filter((each) => (this.#readAt.get(each) ?? -Infinity) < now - FRESH_MS)
    while (this.#flying < IN_FLIGHT && this.#wanted.length > 0) void this.#next()
  }

  close(): void {
    this.#stop.abort()
  }

  async #next(): Promise<void> {
    const topic = this.#wanted.shift()
    if (topic === undefined || this.#stop.signal.aborted) return
    this.#readAt.set(topic, performance.now())
    this.#flying += 1
    try {
      const { items } = await api.subscribers(topic, this.#stop.signal)
      const [first] = items
      const found = [...this.#found].slice(-KEPT)
      this.#found = new Map([...found, [topic, { count: items.length, lag: first?.lag ?? 0, lag_s: first?.lag_s ?? 0 }]])
    } catch (error) {
      // The list says what is wrong where it cannot be read; here there is nothing to show.
      if (!isAbort(error)) this.#readAt.delete(topic)
    }
    this.#flying -= 1
    if (!this.#stop.signal.aborted) void this.#next()
  }
}
