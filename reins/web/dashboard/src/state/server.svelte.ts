/** The answer of /api/system: read again every few seconds for the strip, faster while somebody looks closely. */

import { api, asProblem, type ApiProblem } from '../net/api'
import { history } from './history.svelte'
import { clock } from '../ui/time.svelte'
import type { SystemInfo } from '../net/wire'

const DEMONSTRATION = 'reins.demonstration'
const EVERY_MS = 10_000
const WATCHED_EVERY_MS = 2_000

class Server {
  info = $state.raw<SystemInfo | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** As it was last time until the answer is here, so that the banner does not push the page down. */
  readonly demonstration = $derived(
    this.info ? this.info.model?.demonstration === true : localStorage.getItem(DEMONSTRATION) === 'true',
  )
  /** Nobody has been here before: nothing told at first whether the banner would be there. */
  readonly isFirstVisit = localStorage.getItem(DEMONSTRATION) === null
  #watchers = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading: Promise<void> | null = null

  start(): void {
    void this.refresh()
    document.addEventListener('visibilitychange', () => !document.hidden && void this.refresh())
  }

  /** Reads every 2 s until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1
    void this.refresh()
    return () => (this.#watchers -= 1)
  }

  /** Reads now; one that is already under way serves as well. */
  refresh(): Promise<void> {
    clearTimeout(this.#timer)
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null
      this.#timer = setTimeout(() => void this.#again(), this.#watchers > 0 ? WATCHED_EVERY_MS : EVERY_MS)
    })
    return this.#reading
  }

  /** A hidden page does not ask; it is woken when it is seen again. */
  async #again(): Promise<void> {
    if (!document.hidden) await this.refresh()
  }

  async #read(): Promise<void> {
    try {
      const info = await api.system()
      clock.sync(info.now)
      history.add(info)
      this.info = info
      this.problem = null
      localStorage.setItem(DEMONSTRATION, String(this.demonstration))
    } catch (error) {
      history.missed()
      this.problem = asProblem(error)
    }
  }
}

export const server = new Server()
