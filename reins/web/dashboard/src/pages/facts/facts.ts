/** Facts in words. */

import type { FactOwner } from '../../net/api'
import type { Fact } from '../../net/wire'

const dayOf = (time: string): string => time.slice(0, 10)

/** From when to when it is true; empty where nobody knows. */
export function spanOf({ valid_from: from, valid_to: to }: Pick<Fact, 'valid_from' | 'valid_to'>): string {
  if (from !== null && to !== null) return `${dayOf(from)} to ${dayOf(to)}`
  if (from !== null) return `since ${dayOf(from)}`
  return to === null ? '' : `until ${dayOf(to)}`
}

/** Not true any more, as an answer has it. */
export const isOver = ({ retracted, valid_to }: Pick<Fact, 'retracted' | 'valid_to'>, now: number): boolean => retracted || (valid_to !== null && Date.parse(valid_to) <= now)

/** Whose facts an act is about, by those that are looked at. */
export function ownerOf(sessionId: string, agentId: string): FactOwner {
  if (sessionId) return { scope: 'session', session_id: sessionId }
  return agentId ? { scope: 'agent', agent_id: agentId } : { scope: 'shared' }
}
