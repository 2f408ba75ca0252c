/** The message that a person is writing, and what became of the ones before it. */

import { receipts, type Receipt } from '../../steering/receipts.svelte'
import { tellWriting } from '../../net/socket'
import { Request } from '../../steering/request.svelte'
import { postMessage } from '../../steering/requests'

const SHOWN = 3
/** As long as the worker holds a turn back for one sign of it. */
const HOLD_MS = 4000
const TELL_EVERY_MS = 1500

export class MessageDraft {
  readonly request = new Request()
  text = $state('')
  #posted = $state.raw<string[]>([])
  #again = false
  #toldAt = -Infinity
  /** The person is writing now, which holds the next turn back. */
  writing = $state(false)
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly conversationId: string) {}

  /** The newest ones, oldest first; what was rejected stays until later ones have pushed it out. */
  readonly receipts: Receipt[] = $derived(
    this.#posted.map((actionId) => receipts.get(actionId)).filter((each) => each !== undefined),
  )

  get isEmpty(): boolean {
    return this.text.trim() === ''
  }

  /** A key was pressed in it. */
  typed(): void {
    if (this.isEmpty) return this.#rest()
    this.writing = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#rest(), HOLD_MS)
    if (performance.now() - this.#toldAt < TELL_EVERY_MS) return
    this.#toldAt = performance.now()
    tellWriting(this.conversationId)
  }

  #rest(): void {
    clearTimeout(this.#timer)
    this.writing = false
  }

  /** One after the other, so that they are said in the order they were written in. */
  async send(): Promise<void> {
    const text = this.text.trim()
    if (text === '') return
    if (this.request.busy) {
      this.#again = true
      return
    }
    this.#again = false
    this.text = ''
    this.#rest()
    const accepted = await postMessage(this.request, this.conversationId, text)
    if (!accepted) {
      // What was written meanwhile comes after it.
      this.text = this.text ? `${text}\n${this.text}` : text
      return
    }
    this.#posted = [...this.#posted, accepted.action_id].slice(-SHOWN)
    if (this.#again) await this.send()
  }
}
