/** The guidance that is being written to a session, and when it would take effect. */

import { Request } from '../../steering/request.svelte'
import { guide } from '../../steering/requests'
import { vocabulary } from '../../state/vocabulary.svelte'
import type { AgentType, JsonObject, Mode, Status } from '../../net/wire'

type Form = 'text' | 'fields'

export class GuidanceDraft {
  readonly request = new Request()
  text = $state('')
  fields = $state.raw<JsonObject>({})
  mode = $state<Mode>('steer')
  #form = $state<Form | null>(null)

  constructor(readonly sessionId: string) {}

  /** One that is idle is given a goal, which is a field; words alone would wait for one. */
  formOf(type: AgentType, idle: boolean): Form {
    if (!type.accepts_text) return 'fields'
    return type.guidance_schema === null ? 'text' : (this.#form ?? (idle ? 'fields' : 'text'))
  }

  choose(form: Form): void {
    this.#form = form
    this.request.reset()
  }

  isEmpty(form: Form): boolean {
    return form === 'text' ? this.text.trim() === '' : Object.keys(this.fields).length === 0
  }

  /** The text is cleared only once it was accepted. */
  async send(form: Form): Promise<void> {
    if (this.isEmpty(form)) return
    const guidance = form === 'text' ? this.text.trim() : this.fields
    if (!(await guide(this.request, this.sessionId, guidance, this.mode))) return
    // It may have taken a while, and another one been begun.
    if (form === 'fields') this.fields = {}
    else if (this.text.trim() === guidance) this.text = ''
  }
}

/** When guidance that is sent now takes effect. */
export function effectOf(status: Status, mode: Mode, idle: boolean): string {
  if (idle) return 'Idle: the session goes on when it is given a goal. Words without one are kept for the next.'
  if (status === 'paused') return 'Paused: the session applies it at once, and the first tick after Resume follows it.'
  if (status === 'pausing') return 'Pausing: the session applies it when the tick in flight ends; the first tick after Resume follows it.'
  return mode === 'now'
    ? 'Now: the session aborts a tick in flight and repeats it with this guidance.'
    : 'Steer: a tick in flight ends first; then the session applies this guidance and ticks at once.'
}

/** The reason why nothing can be sent; empty if it can. */
export function refusalOf(status: Status, type: AgentType | null): string {
  if (vocabulary.loaded && !vocabulary.takes(status, 'interrupt')) {
    const next = vocabulary.takes(status, 'resume')
      ? '“Run again” above restarts it from its last good state.'
      : 'Create a new session to continue.'
    return `A ${status} session takes no guidance. ${next}`
  }
  if (type && !type.accepts_text && type.guidance_schema === null) return `Agents of type ${type.agent_type} take no guidance.`
  return ''
}
