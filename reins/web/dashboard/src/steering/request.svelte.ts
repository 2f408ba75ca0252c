/** One request to act: sent under one key however often it is tried, with what became of it. */

import { asProblem, newKey, type ApiProblem } from '../net/api'
import { receipts, type Receipt } from './receipts.svelte'
import type { Accepted } from '../net/wire'

const LATE_MS = 5000

export class Request {
  busy = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  #actionIds = $state.raw<string[]>([])
  #isOverdue = $state(false)
  #attempt: { body: string; key: string } | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  /** The receipts of the last answer. */
  readonly receipts: Receipt[] = $derived(this.#actionIds.map((id) => receipts.get(id)).filter((each) => each !== undefined))
  readonly receipt: Receipt | undefined = $derived(this.receipts[0])
  /** No worker has taken it up for a while. */
  readonly late: boolean = $derived(this.#isOverdue && this.receipts.some(({ outcome }) => outcome === 'queued'))

  /** `once`: an accepted body stays the same act until it is rejected; sent again, it is not done twice. */
  constructor(readonly once = false) {}

  /**
   * Sends it. The same body tried again keeps its key, so it is enqueued once. `accepted` lists what
   * the answer says was enqueued. Resolves to the answer, or to null where the server refused.
   */
  async send<Answer>(
    what: string,
    body: unknown,
    post: (key: string) => Promise<Answer>,
    accepted: (answer: Answer) => Accepted[],
  ): Promise<Answer | null> {
    if (this.busy) return null
    const text = JSON.stringify(body)
    if (this.#attempt?.body !== text || this.receipt?.outcome === 'rejected') this.#attempt = { body: text, key: newKey() }
    this.#clear()
    this.busy = true
    try {
      const answer = await post(this.#attempt.key)
      const enqueued = accepted(answer)
      receipts.track(enqueued, what)
      this.#actionIds = enqueued.map(({ action_id }) => action_id)
      if (!this.once) this.#attempt = null
      this.#timer = setTimeout(() => (this.#isOverdue = true), LATE_MS)
      return answer
    } catch (error) {
      this.problem = asProblem(error)
      return null
    } finally {
      this.busy = false
    }
  }

  /** Forgets what was sent; the same body is a new act now. */
  reset(): void {
    this.#attempt = null
    this.#clear()
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#isOverdue = false
    this.problem = null
    this.#actionIds = []
  }
}
