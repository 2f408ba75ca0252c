/** What a person is writing to a conversation, and what became of what was posted. */

import { actor } from '../../steering/actor.svelte'
import { api } from '../../net/api'
import { receipts, type Receipt } from '../../steering/receipts.svelte'
import { Sending } from '../../steering/request.svelte'

const SHOWN = 3

export class Posting {
  text = $state('')
  readonly sending = new Sending()
  #posted = $state.raw<string[]>([])
  #again = false

  constructor(readonly conversationId: string) {}

  /** The newest ones, oldest first; what was rejected stays until later ones have pushed it out. */
  readonly receipts: Receipt[] = $derived(
    this.#posted.map((actionId) => receipts.get(actionId)).filter((each) => each !== undefined),
  )

  get isEmpty(): boolean {
    return this.text.trim() === ''
  }

  /** One after the other, so that they are said in the order they were written in. */
  async send(): Promise<void> {
    const text = this.text.trim()
    if (text === '') return
    if (this.sending.busy) {
      this.#again = true
      return
    }
    this.#again = false
    this.text = ''
    const author = actor.name
    const accepted = await this.sending.send(text, [author, text], (key) => api.postMessage(this.conversationId, author, text, key))
    if (!accepted) {
      // What was written meanwhile comes after it.
      this.text = this.text ? `${text}\n${this.text}` : text
      return
    }
    this.#posted = [...this.#posted, accepted.action_id].slice(-SHOWN)
    if (this.#again) await this.send()
  }
}
