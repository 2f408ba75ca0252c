/** The message that a person is about to publish, and what became of the ones before it. */

import { receipts, type Receipt } from '../../steering/receipts.svelte'
import { publish } from '../../steering/requests'
import { Request } from '../../steering/request.svelte'
import { looksLikeJson, messageIn, type Form } from './message-form'

const SHOWN = 3

export class PublishDraft {
  readonly request = new Request()
  text = $state('')
  form = $state<Form>('text')
  /** What is wrong with what was sent last; it is said until something is typed. */
  flaw = $state('')
  #published = $state.raw<string[]>([])

  constructor(readonly topic: string) {}

  /** The newest ones, oldest first. */
  readonly receipts: Receipt[] = $derived(this.#published.map((actionId) => receipts.get(actionId)).filter((each) => each !== undefined))
  readonly isPublished: boolean = $derived(this.receipts.some(({ outcome }) => outcome === 'applied'))
  /** It is sent as a text, and JSON may be meant. */
  readonly mayBeJson: boolean = $derived(this.form === 'text' && looksLikeJson(this.text))

  get isEmpty(): boolean {
    return this.text.trim() === ''
  }

  async send(): Promise<void> {
    if (this.request.busy || this.isEmpty) return
    const typed = this.text
    const { message, flaw } = messageIn(typed, this.form)
    this.flaw = flaw
    if (flaw) return
    this.text = ''
    const accepted = await publish(this.request, this.topic, message)
    if (!accepted) {
      this.text ||= typed
      return
    }
    this.#published = [...this.#published, accepted.action_id].slice(-SHOWN)
  }
}
