/** The webhooks and what became of their calls, read again while somebody looks; and trials. */

import { SvelteMap } from 'svelte/reactivity'
import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { WebhookList, WebhookTrial } from '../../net/wire'

const EVERY_MS = 5_000

export class WebhooksView {
  found = $state.raw<WebhookList | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** By webhook; null while it is being tried. */
  readonly trials = new SvelteMap<string, WebhookTrial | ApiProblem | null>()

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

  async try(name: string): Promise<void> {
    if (this.trials.get(name) === null) return
    this.trials.set(name, null)
    this.trials.set(name, await api.tryWebhook(name).catch(asProblem))
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      this.found = await api.webhooks(signal)
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
  }
}
