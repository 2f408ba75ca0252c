/** What a person is about to decide on one item: drafts that outlive the line in which they are written. */

import { inbox, type Choice } from '../state/inbox.svelte'
import type { InboxItem, JsonObject } from '../net/wire'

export type Scope = 'session' | 'agent' | 'type'

export class Desk {
  mode = $state<'' | 'edit' | 'reject' | 'remember'>('')
  reason = $state('')
  answer = $state('')
  args = $state.raw<JsonObject>({})
  /** What is wrong with the arguments as they are typed. */
  flaw = $state('')
  scope = $state<Scope>('session')

  /** Risk, and what a shell would take apart, is decided on each time. */
  get isRemembered(): boolean {
    return this.item.kind === 'approval' && this.item.risk !== 'high' && !this.item.aspects.shell
  }

  constructor(readonly item: InboxItem) {
    this.args = item.args
  }

  get isOpen(): boolean {
    return inbox.isOpen(this.item.item_id)
  }

  toggle(mode: Desk['mode']): void {
    this.mode = this.mode === mode ? '' : mode
    if (this.mode === 'edit') this.args = this.item.args
    this.flaw = ''
  }

  approve(): void {
    void this.#send({ decision: 'approve' })
  }

  remember(): void {
    void this.#send({ decision: 'approve', remember: { scope: this.scope } })
  }

  edit(): void {
    if (!this.flaw) void this.#send({ decision: 'edit', args: this.args })
  }

  reject(): void {
    const reason = this.reason.trim()
    void this.#send({ decision: 'reject', ...(reason ? { reason } : {}) })
  }

  tell(): void {
    const text = this.answer.trim()
    if (text) void this.#send({ decision: 'answer', text })
  }

  async #send(choice: Choice): Promise<void> {
    if (await inbox.decide(this.item, choice)) this.mode = ''
  }
}

const desks = new Map<string, Desk>()
const KEPT = 200

/** The desk of an item; a new one where the item asks for another call by now. Not reactive: it never changes for an item. */
export function deskOf(item: InboxItem): Desk {
  const known = desks.get(item.item_id)
  if (known && known.item.call_hash === item.call_hash) return known
  const made = new Desk(item)
  desks.set(item.item_id, made)
  for (const id of desks.keys()) {
    if (desks.size <= KEPT) break
    desks.delete(id)
  }
  return made
}
