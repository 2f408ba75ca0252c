/** The reason of a persona's silence, and the rest of its cooldown. */

import { formatSpan } from '../../ui/time.svelte'
import type { Participant, PersonaState, SilenceReason } from '../../net/wire'

const REASONS: Record<SilenceReason, string> = {
  own_last: 'The newest message is its own; it waits for another speaker.',
  paused: 'The room is paused: nobody speaks until it is resumed.',
  muted: 'It is muted: it reads, and does not speak until Unmute.',
  cooldown: 'Its cooldown was not over.',
  ceiling: 'Too many messages of personas follow each other. It waits until a person speaks, or for Speak now.',
  talkativeness: 'It left this message to the others; its talkativeness decides how often.',
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
  if (isComposing) return 'It is not silent: it is composing now.'
  if (status === 'paused' || status === 'pausing') return 'It is paused: it neither reads nor speaks until Resume.'
  if (status === 'failed') return `Its session has failed${error ? `: ${error}` : '.'} “Run again” starts it from its last good state.`
  if (status !== 'running') return `Its session is ${status}.`
  if (!state) return 'It has not looked at the conversation yet.'
  // A mute that came after its last decision is what holds now.
  if (state.muted) return REASONS.muted
  if (state.silence) return REASONS[state.silence.reason] ?? state.silence.text
  if (state.spoke_at === null) return 'There is no message that it could answer.'
  return 'It has answered everything so far.'
}
