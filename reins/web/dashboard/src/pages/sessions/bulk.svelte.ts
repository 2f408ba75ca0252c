/** One verb for many sessions, and what became of each of them. */

import { Request } from '../../steering/request.svelte'
import { steerMany } from '../../steering/requests'
import type { ApiProblem } from '../../net/api'
import type { Outcome, Verb } from '../../net/wire'

const MAX_PER_REQUEST = 1000
const NO_REASON = 'no reason was given'

interface Refusal {
  session_id: string
  why: string
}

interface Part {
  ids: string[]
  request: Request
}

export class BulkRequest {
  readonly #parts: Part[] = []
  #sent = 0
  #refused = $state.raw<Refusal[]>([])
  sending = $state(true)

  readonly #receipts = $derived(this.#parts.flatMap(({ request }) => request.receipts))
  readonly queued = $derived(this.#named('queued'))
  readonly applied = $derived(this.#named('applied'))
  readonly rejected: Refusal[] = $derived([
    ...this.#refused,
    ...this.#receipts
      .filter(({ outcome }) => outcome === 'rejected')
      .map(({ session_id, error }) => ({ session_id: session_id ?? '', why: error ?? NO_REASON })),
  ])
  readonly late: boolean = $derived(this.#parts.some(({ request }) => request.late))
  readonly problem: ApiProblem | null = $derived(this.#parts.find(({ request }) => request.problem)?.request.problem ?? null)

  constructor(
    readonly verb: Verb,
    readonly sessionIds: string[],
    private readonly reason: string,
  ) {
    for (let start = 0; start < sessionIds.length; start += MAX_PER_REQUEST) {
      this.#parts.push({ ids: sessionIds.slice(start, start + MAX_PER_REQUEST), request: new Request() })
    }
    void this.send()
  }

  /** The sessions of this outcome. */
  #named(wanted: Outcome): string[] {
    return this.#receipts.filter(({ outcome }) => outcome === wanted).map(({ session_id }) => session_id ?? '')
  }

  /** Sends what was not acknowledged; a part that did arrive is not done twice, by its key. */
  async send(): Promise<void> {
    this.sending = true
    for (let part = this.#parts[this.#sent]; part; part = this.#parts[this.#sent]) {
      const answer = await steerMany(part.request, this.verb, part.ids, this.reason.trim())
      if (!answer) break
      this.#sent += 1
      const refused = answer.items.filter(({ action_id }) => action_id === null)
      this.#refused = [...this.#refused, ...refused.map(({ session_id, problem }) => ({ session_id, why: problem ?? NO_REASON }))]
    }
    this.sending = false
  }
}
