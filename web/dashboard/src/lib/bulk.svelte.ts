/** One act on many sessions, and what became of each of them. */

import { actor } from './actor.svelte'
import { api, asProblem, type ApiProblem } from './api'
import { receipts } from './receipts.svelte'
import type { Accepted, Verb } from './wire'

const MAX_PER_REQUEST = 1000

export interface Refusal {
  session_id: string
  why: string
}

export class BulkAct {
  #actionIds = $state.raw<string[]>([])
  #refused = $state.raw<Refusal[]>([])
  problem = $state.raw<ApiProblem | null>(null)
  sending = $state(true)

  readonly #receipts = $derived(this.#actionIds.map((id) => receipts.get(id)).filter((each) => each !== undefined))
  readonly queued = $derived(this.#receipts.filter((each) => each.outcome === 'queued').length)
  readonly applied = $derived(this.#receipts.filter((each) => each.outcome === 'applied').length)
  readonly rejected: Refusal[] = $derived([
    ...this.#refused,
    ...this.#receipts
      .filter((each) => each.outcome === 'rejected')
      .map((each) => ({ session_id: each.session_id ?? '', why: each.error ?? 'no reason was given' })),
  ])

  constructor(
    readonly verb: Verb,
    readonly sessionIds: string[],
    reason: string,
  ) {
    void this.#send(reason)
  }

  async #send(reason: string): Promise<void> {
    try {
      for (let start = 0; start < this.sessionIds.length; start += MAX_PER_REQUEST) {
        const part = this.sessionIds.slice(start, start + MAX_PER_REQUEST)
        this.#note((await api.bulk(this.verb, part, actor.name, reason.trim() || undefined)).items)
      }
    } catch (error) {
      this.problem = asProblem(error)
    }
    this.sending = false
  }

  #note(items: { session_id: string; action_id: string | null; problem: string | null }[]): void {
    const accepted: Accepted[] = []
    const refused: Refusal[] = []
    for (const { session_id, action_id, problem } of items) {
      if (action_id === null) refused.push({ session_id, why: problem ?? 'no reason was given' })
      else accepted.push({ action_id, session_id, agent_id: null })
    }
    receipts.trackAll(accepted, this.verb)
    this.#actionIds = [...this.#actionIds, ...accepted.map((each) => each.action_id)]
    this.#refused = [...this.#refused, ...refused]
  }
}
