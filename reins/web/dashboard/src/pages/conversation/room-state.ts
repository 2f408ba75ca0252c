/** What goes on in a conversation at the moment, in a line that is always there. */

import type { ConversationDetail, Participant } from '../../net/wire'

export interface Room {
  detail: Pick<ConversationDetail, 'paused_by' | 'ended_by' | 'ceiling' | 'pace'>
  present: Participant[]
  /** The name of who composes, or is the next to. */
  composer: string
  withoutPerson: number
  messages: number
  /** The person at this page is writing. */
  writing: boolean
}

export interface Situation {
  words: string
  /** The act that would change it. */
  act?: 'resume' | 'add'
  /** The words of the button. */
  label?: string
  /** Somebody composes. */
  composes?: boolean
}

const USUAL_CEILING = 12

/** So many messages of personas may come without a person's: the room's number, or the most patient one's. */
export const ceilingOf = (detail: Pick<ConversationDetail, 'ceiling'>, personas: Participant[]): number =>
  detail.ceiling ?? Math.max(...personas.map(({ config }) => config?.max_agent_turns ?? USUAL_CEILING), personas.length ? 0 : USUAL_CEILING)

export function situationOf({ detail, present, composer, withoutPerson, messages, writing }: Room): Situation {
  if (detail.ended_by !== null) return { words: `Ended by ${detail.ended_by}.` }
  if (present.length === 0) return { words: 'Nobody else takes part.', act: 'add', label: 'Add a persona' }
  if (detail.paused_by !== null) return { words: `Paused by ${detail.paused_by}.`, act: 'resume', label: 'Resume' }
  const awake = present.filter(({ status }) => status === 'running')
  if (awake.length === 0) return { words: `Nobody runs: ${listOf(present.map(({ name, status }) => `${name} is ${status}`))}.` }
  if (writing) return { words: `${composer || 'The next'} waits while you write.` }
  if (composer) return { words: `${composer} is composing`, composes: true }
  const open = awake.filter(({ state }) => !state?.muted)
  if (open.length === 0) return { words: 'All are muted.' }
  if (withoutPerson >= ceilingOf(detail, open)) {
    return { words: `They rest: ${withoutPerson} messages without a person.`, act: 'resume', label: 'Let them go on' }
  }
  if (messages === 0) return { words: 'They wait for the first message.' }
  if (open.every(({ state }) => state?.silence?.reason === 'passed' || state?.silence?.reason === 'own_last' || state?.silence?.reason === 'talkativeness')) {
    return { words: 'They have nothing to add. Write, or ask one of them to speak.' }
  }
  return { words: 'They listen.' }
}

const listOf = (names: string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
