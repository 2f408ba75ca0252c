/** Sessions gathered under what they have in common. */

import type { Mood, SessionSummary } from '../../net/wire'

export interface Group {
  /** The common value; empty for those that have none. */
  key: string
  label: string
  ids: string[]
  cost_usd: number
  /** How many need a person, by mood, the most urgent first. */
  trouble: { mood: Mood; count: number }[]
}

const TROUBLE: readonly Mood[] = ['asking', 'failing', 'hanging', 'held', 'stuck']

export const GROUPINGS = {
  type: { label: 'Type', none: 'no type', of: (session) => session.agent_type },
  owner: { label: 'Owner', none: 'nobody named', of: (session) => session.created_by },
  route: { label: 'Route', none: 'the usual route', of: (session) => session.route },
  tree: { label: 'Tree', none: 'alone', of: (session) => session.root_session_id },
  conversation: { label: 'Conversation', none: 'in no conversation', of: (session) => session.conversation_id },
  agent: { label: 'Agent', none: '', of: (session) => session.agent_id },
  status: { label: 'Status', none: '', of: (session) => session.status },
} satisfies Record<string, { label: string; none: string; of: (session: SessionSummary) => string | null }>
export type Grouping = keyof typeof GROUPINGS

const naturally = new Intl.Collator(undefined, { numeric: true }).compare

/** The groups by name, those without a value last; within each the order stays. */
export function grouped(sessions: readonly SessionSummary[], by: Grouping): Group[] {
  const { none, of } = GROUPINGS[by]
  const groups = Map.groupBy(sessions, (session) => of(session) ?? '')
  const keys = [...groups.keys()].sort((one, other) => Number(one === '') - Number(other === '') || naturally(one, other))
  return keys.map((key) => {
    const within = groups.get(key) ?? []
    return {
      key,
      label: key || none,
      ids: (by === 'tree' && key ? asTree(within) : within).map(({ session_id }) => session_id),
      cost_usd: within.reduce((sum, each) => sum + each.cost_usd, 0),
      trouble: TROUBLE.map((mood) => ({ mood, count: within.filter((each) => each.mood === mood).length })).filter(({ count }) => count > 0),
    }
  })
}

/** Parents before their children; those of one parent stay in their order. */
export function asTree<Of extends Pick<SessionSummary, 'session_id' | 'parent_session_id'>>(sessions: readonly Of[]): Of[] {
  const there = new Set(sessions.map(({ session_id }) => session_id))
  const below = Map.groupBy(sessions, ({ parent_session_id: parent }) => (parent !== null && there.has(parent) ? parent : ''))
  const from = (parent: string): Of[] => (below.get(parent) ?? []).flatMap((each) => [each, ...from(each.session_id)])
  return from('')
}
