/** One request to act: sent under one key however often it is tried, with what became of it. */

import { ApiProblem, asProblem, newKey, NotSent } from '../net/api'
import { connection } from '../net/connection.svelte'
import { receipts, type Receipt } from './receipts.svelte'
import type { Accepted } from '../net/wire'

const LATE_MS = 5000
/** After so long without a server nobody knows whether the act is still meant. */
const MEANT_FOR_MS = 120_000
const LOOK_EVERY_MS = 250
/** Nothing says that the server is gone, and it does not answer: a try costs a line in the console. */
const TRY_EVERY_MS = 2_000
const TOO_LATE = new ApiProblem(0, 'Not sent', 'The server did not answer for two minutes. Send it again if you still mean it.')
const WITHDRAWN = new ApiProblem(0, 'Not sent', 'You have withdrawn it.')

export class Request {
  busy = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  #actionIds = $state.raw<string[]>([])
  #isOverdue = $state(false)
  #attempt: { body: string; key: string } | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #withdraw: (() => void) | null = null

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
      const answer = await this.#reaching(what, post, this.#attempt.key)
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

  /** Sends it until a server answers: under its key, so that it is done once, whichever of them arrived. */
  async #reaching<Answer>(what: string, post: (key: string) => Promise<Answer>, key: string): Promise<Answer> {
    const until = performance.now() + MEANT_FOR_MS
    let isWithdrawn = false
    this.#withdraw = () => (isWithdrawn = true)
    for (;;) {
      try {
        const answer = await post(key)
        this.problem = null
        return answer
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 0) throw error
        this.problem ??= new NotSent(what, this.#withdraw)
        const tried = performance.now()
        let wasLost = false
        do {
          await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
          if (isWithdrawn) throw WITHDRAWN
          if (performance.now() > until) throw TOO_LATE
          wasLost ||= connection.lostAt !== null
        } while (connection.lostAt !== null || (!wasLost && performance.now() < tried + TRY_EVERY_MS))
      }
    }
  }

  /** Forgets what was sent; the same body is a new act now. */
  reset(): void {
    this.#withdraw?.()
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
