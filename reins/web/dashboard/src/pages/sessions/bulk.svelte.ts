/** One act on many sessions, and what became of each of them. */

import { actor } from '../../steering/actor.svelte'
import { actKey, api, asProblem, type ApiProblem } from '../../net/api'
import { receipts } from '../../steering/receipts.svelte'
import type { Accepted, BulkItem, Verb } from '../../net/wire'

const MAX_PER_REQUEST = 1000

export interface Refusal {
  session_id: string
  why: string
}

export class BulkAct {
  #unsent: { ids: string[]; key: string }[] = []
  readonly #actor = actor.name
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
    private readonly reason: string,
  ) {
    for (let start = 0; start < sessionIds.length; start += MAX_PER_REQUEST) {
      this.#unsent.push({ ids: sessionIds.slice(start, start + MAX_PER_REQUEST), key: actKey() })
    }
    void this.send()
  }

  /** Sends what was not acknowledged; a part that did arrive is not done twice, by its key. */
  async send(): Promise<void> {
    this.sending = true
    this.problem = null
    try {
      for (let part = this.#unsent[0]; part; part = this.#unsent[0]) {
        this.#note((await api.bulk(this.verb, part.ids, this.#actor, this.reason.trim() || undefined, part.key)).items)
        this.#unsent.shift()
      }
    } catch (error) {
      this.problem = asProblem(error)
    }
    this.sending = false
  }

  #note(items: BulkItem[]): void {
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
