/** What is being written to the session, and the sending of it. */

import { actor } from '../../steering/actor.svelte'
import { actKey, api, asProblem, type ApiProblem } from '../../net/api'
import { receipts } from '../../steering/receipts.svelte'
import { wordsOf } from './session-acts.svelte'
import type { AgentType, JsonObject, Mode, Status } from '../../net/wire'

export type Form = 'text' | 'fields'

export class Guiding {
  text = $state('')
  fields = $state.raw<JsonObject>({})
  mode = $state<Mode>('steer')
  #form = $state<Form | null>(null)
  sending = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  /** Kept while the same guidance is tried again, so that it is enqueued once. */
  #attempt: { body: string; key: string } | null = null

  constructor(readonly sessionId: string) {}

  formOf(type: AgentType): Form {
    if (!type.accepts_text) return 'fields'
    return type.guidance_schema === null ? 'text' : (this.#form ?? 'text')
  }

  choose(form: Form): void {
    this.#form = form
    this.problem = null
  }

  isEmpty(form: Form): boolean {
    return form === 'text' ? this.text.trim() === '' : Object.keys(this.fields).length === 0
  }

  /** Resolves to whether it was accepted; only then is what was written cleared. */
  async send(form: Form): Promise<boolean> {
    if (this.sending || this.isEmpty(form)) return false
    const guidance = form === 'text' ? this.text.trim() : this.fields
    const body = JSON.stringify([guidance, this.mode, actor.name])
    if (this.#attempt?.body !== body) this.#attempt = { body, key: actKey() }
    this.sending = true
    this.problem = null
    try {
      const accepted = await api.interrupt(this.sessionId, actor.name, guidance, this.mode, this.#attempt.key)
      receipts.track(accepted, `guidance: ${wordsOf(guidance)}`)
      this.#attempt = null
      if (form === 'text') this.text = ''
      else this.fields = {}
      return true
    } catch (error) {
      this.problem = asProblem(error)
      return false
    } finally {
      this.sending = false
    }
  }
}

/** When guidance that is sent now takes effect. */
export function effectOf(status: Status, mode: Mode): string {
  if (status === 'paused') return 'Paused: it is taken in at once, and the first tick after Resume goes by it.'
  if (status === 'pausing') return 'Pausing: it is taken in once the tick in flight has ended; the first tick after Resume goes by it.'
  return mode === 'now'
    ? 'Now: a tick in flight is given up and done again with this.'
    : 'Steer: a tick in flight ends first; then this is taken in, and the next tick comes at once.'
}

/** Why nothing can be sent; empty where it can. */
export function refusalOf(status: Status, type: AgentType | null): string {
  if (status === 'failed') return 'This session has failed and takes no guidance. “Run again” above starts it from its last good state.'
  if (status === 'completed') return 'This session has completed and takes no guidance. Create a new one to go on.'
  if (status === 'stopped') return 'This session was destroyed and takes no guidance. Create a new one to go on.'
  if (status === 'stopping') return 'This session is being stopped and takes no further guidance.'
  if (type && !type.accepts_text && type.guidance_schema === null) return `Agents of type ${type.agent_type} take no guidance.`
  return ''
}
