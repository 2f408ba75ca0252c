/** Why a persona does not speak, and how long its cooldown still lasts. */

import { formatSpan } from '../../ui/time.svelte'
import type { Participant, PersonaState, SilenceReason } from '../../net/wire'

const REASONS: Record<SilenceReason, string> = {
  own_last: 'The newest message is its own; it waits for somebody else to speak.',
  muted: 'It is muted: it reads along and says nothing until Unmute.',
  cooldown: 'It had spoken shortly before and was cooling down.',
  ceiling: 'So many messages of personas stood one after the other that it waits for a person to speak, or for Speak now.',
  talkativeness: 'Its talkativeness had it leave this one to the others.',
  passed: 'It was asked and had nothing to add.',
}

const US_PER_MS = 1000

/** When its cooldown ends, in ms since 1970; null where it has not spoken yet. */
export const cooldownEnds = (state: PersonaState): number | null =>
  state.spoke_at === null ? null : state.spoke_at / US_PER_MS + state.cooldown_s * 1000

/** "4 s" until its cooldown ends; empty where it is over. */
export function cooldownLeft(state: PersonaState | null, now_ms: number): string {
  const left_ms = (state && cooldownEnds(state)) ?? 0
  return left_ms > now_ms ? formatSpan(Math.max(1000, Math.ceil((left_ms - now_ms) / 1000) * 1000)) : ''
}

/** Times of a persona's state as those of the rows. */
export const isoOf = (microseconds: number): string => new Date(microseconds / US_PER_MS).toISOString()

export function whySilent({ status, error, state }: Participant, isComposing: boolean): string {
  if (isComposing) return 'It is not silent: it is writing at this moment.'
  if (status === 'paused' || status === 'pausing') return 'It is paused: it neither reads nor speaks until Resume.'
  if (status === 'failed') return `Its session has failed${error ? `: ${error}` : '.'} “Run again” starts it from its last good state.`
  if (status !== 'running') return `Its session is ${status}.`
  if (!state) return 'It has not looked at the conversation yet.'
  // A mute that came after its last decision is what holds now.
  if (state.muted) return REASONS.muted
  if (state.silence) return REASONS[state.silence.reason] ?? state.silence.text
  if (state.spoke_at === null) return 'Nothing has been said that it could answer.'
  return 'It has answered everything so far.'
}
