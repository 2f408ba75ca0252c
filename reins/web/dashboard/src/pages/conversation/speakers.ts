/** The speakers of a transcript, and where a new voice begins. */

import { dayOf } from '../../ui/time.svelte'
import type { Message } from '../../net/wire'

const PAUSE_MS = 5 * 60_000

export const isPersona = (message: Message): boolean => message.agent_id !== null || message.session_id !== null

export const toneOf = ({ metadata }: Message): string => (typeof metadata?.['tone'] === 'string' ? metadata['tone'] : '')

export const tickOf = ({ metadata }: Message): number | null => (typeof metadata?.['tick'] === 'number' ? metadata['tick'] : null)

/** By what it is, never by its name alone: a person may bear a persona's. */
const speakerOf = (message: Message): string =>
  isPersona(message) ? `persona ${message.session_id ?? message.agent_id}` : `person ${message.author}`

/** The day, where a new one begins; empty otherwise. */
export function dayBefore(message: Message, before: Message | undefined): string {
  if (!before && message.number > 1) return ''
  return before && dayOf(before.created_at) === dayOf(message.created_at) ? '' : dayOf(message.created_at)
}

/** True where name, tone and time are shown anew: another voice, another tone, or after a pause. */
export function beginsAnew(message: Message, before: Message | undefined): boolean {
  if (!before || speakerOf(before) !== speakerOf(message) || toneOf(before) !== toneOf(message)) return true
  return dayOf(before.created_at) !== dayOf(message.created_at) || Date.parse(message.created_at) - Date.parse(before.created_at) > PAUSE_MS
}
