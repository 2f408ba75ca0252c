/** Actions that went wrong: rejected within a day, or waiting for too long. */

import { untrack } from 'svelte'
import { api, asProblem, type ApiProblem } from '../net/api'
import { fleet } from './fleet.svelte'
import { server } from './server.svelte'
import { joinQueue } from '../net/socket'
import { clock } from '../ui/time.svelte'
import type { ActionRow, SystemInfo } from '../net/wire'

const REJECTED_FOR_MS = 24 * 3_600_000
export const LONG_WAIT_MS = 30_000
const MOST_REJECTED = 500
const MOST_QUEUED = 1000
const EVERY_MS = 9_000

class Trouble {
  #rejected = $state.raw<ActionRow[]>([])
  #queued = $state.raw<ActionRow[]>([])
  #readAt = -Infinity
  #counters = ''
  #reading: AbortController | null = null
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  /** Of the last day, the newest first. */
  get rejected(): ActionRow[] {
    const since = clock.now - REJECTED_FOR_MS
    return this.#rejected.filter((row) => timeOf(row.processed_at) > since)
  }

  /** Those that have waited for long, the longest first. */
  get waiting(): ActionRow[] {
    const until = clock.now - LONG_WAIT_MS
    return this.#queued.filter((row) => timeOf(row.created_at) < until).reverse()
  }

  /** Looks whenever the counters of the server say that there may be something new. */
  start(): void {
    $effect.root(() => {
      $effect(() => {
        const { info } = server
        if (info && fleet.loaded) untrack(() => this.#look(info)) // the list comes first
      })
    })
  }

  /** Hears at once, until the returned function is called. */
  live(): () => void {
    return joinQueue({
      joined: () => void this.read(),
      event: ({ changed }) => this.#apply(changed),
      head: () => void this.read(),
      poll: () => this.read(),
    })
  }

  async read(): Promise<void> {
    this.#reading?.abort()
    const { signal } = (this.#reading = new AbortController())
    this.#readAt = performance.now()
    try {
      const [rejected, queued] = await Promise.all([
        api.actions({ state: 'rejected', limit: MOST_REJECTED }, signal),
        api.actions({ state: 'queued', limit: MOST_QUEUED }, signal),
      ])
      this.#rejected = rejected.items
      this.#queued = queued.items
      this.problem = null
      this.loaded = true
    } catch (error) {
      if (!signal.aborted) this.problem = asProblem(error)
    }
  }

  #look({ queue, start_id }: SystemInfo): void {
    if (performance.now() - this.#readAt < EVERY_MS) return
    const counters = `${start_id} ${queue.handled} ${queue.depth}`
    // A worker elsewhere does not say how much it has handled.
    if (counters === this.#counters && queue.handled !== null && !this.problem) return
    this.#counters = counters
    void this.read()
  }

  #apply(changed: ActionRow[]): void {
    const ids = new Set(changed.map((row) => row.action_id))
    const merged = (rows: ActionRow[], outcome: string): ActionRow[] => [
      ...changed.filter((row) => row.outcome === outcome).reverse(),
      ...rows.filter((row) => !ids.has(row.action_id)),
    ]
    this.#rejected = merged(this.#rejected, 'rejected').slice(0, MOST_REJECTED)
    this.#queued = merged(this.#queued, 'queued')
  }
}

const timeOf = (iso: string | null): number => (iso === null ? 0 : Date.parse(iso))

export const trouble = new Trouble()
