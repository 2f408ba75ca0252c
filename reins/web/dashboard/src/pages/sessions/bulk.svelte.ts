/** One verb for many sessions, and what became of each of them. */

import { Request } from '../../steering/request.svelte'
import { steerMany } from '../../steering/requests'
import { clock } from '../../ui/time.svelte'
import { vocabulary } from '../../state/vocabulary.svelte'
import type { ApiProblem } from '../../net/api'
import type { Chosen } from './chosen'
import type { BulkItem, Outcome, Verb } from '../../net/wire'

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
  readonly #asked_at = clock.now
  #sent = 0
  #refused = $state.raw<Refusal[]>([])
  sending = $state(true)
  /** Nobody gave a name for it, so nothing was asked for. */
  dropped = $state(false)

  readonly receipts = $derived(this.#parts.flatMap(({ request }) => request.receipts))
  readonly queued = $derived(this.#named('queued'))
  readonly applied = $derived(this.#named('applied'))
  readonly rejected: Refusal[] = $derived([
    ...this.#refused,
    ...this.receipts
      .filter(({ outcome }) => outcome === 'rejected')
      .map(({ session_id, error }) => ({ session_id: session_id ?? '', why: error ?? NO_REASON })),
  ])
  readonly late: boolean = $derived(this.#parts.some(({ request }) => request.late))
  readonly problem: ApiProblem | null = $derived(this.#parts.find(({ request }) => request.problem)?.request.problem ?? null)
  /** Those whose destroy can be taken back yet. */
  readonly undoable: string[] = $derived.by(() =>
    this.verb === 'destroy' && clock.now < this.#asked_at + vocabulary.restoreWithin_s * 1000 ? this.applied : [],
  )

  constructor(
    readonly verb: Verb,
    readonly whom: Chosen,
    reason = '',
    /** Another way to ask it of many. */
    private readonly post: (request: Request, ids: string[]) => Promise<{ items: BulkItem[] } | null> = (request, ids) => steerMany(request, verb, ids, reason.trim()),
  ) {
    for (let start = 0; start < whom.ids.length; start += MAX_PER_REQUEST) {
      this.#parts.push({ ids: whom.ids.slice(start, start + MAX_PER_REQUEST), request: new Request() })
    }
    void this.send()
  }

  /** The sessions of this outcome. */
  #named(wanted: Outcome): string[] {
    return this.receipts.flatMap(({ outcome, session_id }) => (outcome === wanted && session_id ? session_id : []))
  }

  /** Sends what was not acknowledged; a part that did arrive is not done twice, by its key. */
  async send(): Promise<void> {
    this.sending = true
    for (let part = this.#parts[this.#sent]; part; part = this.#parts[this.#sent]) {
      const answer = await this.post(part.request, part.ids)
      if (!answer) {
        this.dropped = this.#sent === 0 && part.request.problem === null
        break
      }
      this.#sent += 1
      const refused = answer.items.filter(({ action_id }) => action_id === null)
      this.#refused = [...this.#refused, ...refused.map(({ session_id, problem }) => ({ session_id, why: problem ?? NO_REASON }))]
    }
    this.sending = false
  }
}
