/** One thing to be asked of the server: sent under one key however often it is tried, and what became of it. */

import { actKey, asProblem, type ApiProblem } from '../net/api'
import { receipts, type Receipt } from './receipts.svelte'
import type { Accepted } from '../net/wire'

const LATE_MS = 5000

export class Sending {
  busy = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  /** Nobody has taken it up for a while. */
  late = $state(false)
  #accepted = $state.raw<Accepted | null>(null)
  #attempt: { body: string; key: string } | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  /** What became of what was sent last. */
  readonly receipt: Receipt | undefined = $derived(this.#accepted ? receipts.get(this.#accepted.action_id) : undefined)

  /** `once`: the same body stays the same act also after it was accepted, until it was rejected. */
  constructor(readonly once = false) {}

  /** Tried again, the same body is the same act. Resolves to null where it was refused. */
  async send(what: string, body: unknown, post: (key: string) => Promise<Accepted>): Promise<Accepted | null> {
    if (this.busy) return null
    const text = JSON.stringify(body)
    if (this.#attempt?.body !== text || this.receipt?.outcome === 'rejected') this.#attempt = { body: text, key: actKey() }
    this.#clear()
    this.busy = true
    try {
      const accepted = await post(this.#attempt.key)
      receipts.track(accepted, what)
      if (!this.once) this.#attempt = null
      this.#accepted = accepted
      this.#timer = setTimeout(() => (this.late = true), LATE_MS)
      return accepted
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
    this.late = false
    this.problem = null
    this.#accepted = null
  }
}
