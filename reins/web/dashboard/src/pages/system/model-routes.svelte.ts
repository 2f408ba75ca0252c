/** The routes of models, read again while somebody looks, and what their tries said. */

import { SvelteMap } from 'svelte/reactivity'
import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { RouteCheck, RouteList } from '../../net/wire'

const EVERY_MS = 2_000

export class ModelRoutes {
  found = $state.raw<RouteList | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** By route; null while it is being tried. */
  readonly tries = new SvelteMap<string, RouteCheck | ApiProblem | null>()

  /** Reads until the returned function is called. */
  watch(): () => void {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = async (): Promise<void> => {
      if (!document.hidden) await this.#read(stop.signal)
      if (!stop.signal.aborted) timer = setTimeout(() => void again(), EVERY_MS)
    }
    void again()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }

  /** Asks a route's model for a word. */
  async try(name: string): Promise<void> {
    if (this.tries.get(name) === null) return
    this.tries.set(name, null)
    this.tries.set(name, await api.checkRoute(name).catch(asProblem))
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      this.found = await api.routes(signal)
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
  }
}
