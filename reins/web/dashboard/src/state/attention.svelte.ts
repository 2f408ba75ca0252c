/** Everything that needs a person, kind by kind: the one source of the rail's badge and of the Attention page. */

import { at } from '../net/base'
import { dismissed } from './dismissed.svelte'
import { server } from './server.svelte'
import { fleet } from './fleet.svelte'
import { trouble } from './trouble.svelte'
import type { ActionRow, SessionSummary } from '../net/wire'

export interface Kind {
  id: 'inbox' | 'worker' | 'stuck' | 'failed' | 'held' | 'offered' | 'waiting' | 'retrying' | 'rejected'
  title: string
  /** Its meaning and its remedy, in a line. */
  hint: string
  /** Cheap: the badge asks for it at every change. */
  count: () => number
  /** The page that lists all of them. */
  all?: { href: string; label: string }
}

const hasNoWorker = (): boolean => server.info?.worker === 'none'
const failed = (): number => fleet.counts.failed ?? 0

/** The most urgent first. */
export const KINDS: Kind[] = [
  {
    id: 'inbox',
    title: 'Sessions that ask you',
    hint: 'They wait for a decision or an answer; nothing of what they ask has been done.',
    count: () => fleet.asking,
  },
  {
    id: 'worker',
    title: 'No worker runs',
    hint: 'No session ticks, and no action is processed.',
    count: () => (hasNoWorker() ? 1 : 0),
  },
  {
    id: 'failed',
    title: 'Failed sessions',
    hint: 'Too many of their ticks failed in a row. Resume tries again at once.',
    count: failed,
    all: { href: at('/sessions?status=failed'), label: 'All in Sessions' },
  },
  {
    id: 'stuck',
    title: 'Stuck sessions',
    hint: 'They make no way. Guidance or Resume lets them go on.',
    count: () => fleet.stuck,
  },
  {
    id: 'held',
    title: 'Held by a budget',
    hint: 'Their budget is spent. They continue when you raise the limit; a limit of the day ends at midnight, UTC.',
    count: () => fleet.held,
  },
  {
    id: 'offered',
    title: 'MCP servers with changed tools',
    hint: 'Specs of their tools have changed, or are new. Nobody has these tools until you agree.',
    count: () => attention.offering.length,
    all: { href: at('/system'), label: 'All in System' },
  },
  {
    id: 'waiting',
    title: 'Actions that wait too long',
    hint: 'They are queued for more than 30 s. A pause or a destroy waits for the tick in flight; no other action should.',
    // Without a worker they all wait, and one thing is to be done: that is the worker's line.
    count: () => (hasNoWorker() ? 0 : trouble.waiting.length),
    all: { href: at('/queue?state=queued'), label: 'All in Queue' },
  },
  {
    id: 'retrying',
    title: 'Retrying sessions',
    hint: 'Their last ticks failed, or the model is away. They retry by themselves, with growing waits.',
    count: () => (fleet.loaded ? Math.max(0, fleet.attention - failed() - fleet.held - fleet.asking - fleet.stuck) : 0),
  },
  {
    id: 'rejected',
    title: 'Rejected actions',
    hint: 'From the last 24 hours. They changed nothing. Dismiss those you have read.',
    count: () => attention.rejected.length,
    all: { href: at('/queue?state=rejected'), label: 'All in Queue' },
  },
]

/** Actions that were rejected for the same reason: one matter for a person, however often it was tried. */
export interface Rejection {
  /** The newest of them. */
  action: ActionRow
  actionIds: string[]
}

function together(rows: ActionRow[]): Rejection[] {
  const found = new Map<string, Rejection>()
  for (const action of rows) {
    const reason = JSON.stringify([action.type, action.session_id ?? action.agent_id, action.error])
    const known = found.get(reason)
    if (known) known.actionIds.push(action.action_id)
    else found.set(reason, { action, actionIds: [action.action_id] })
  }
  return [...found.values()]
}

class Attention {
  /** Those that were not dismissed, the newest first. */
  readonly rejected = $derived(together(trouble.rejected.filter(({ action_id }) => !dismissed.has(action_id))))
  readonly dismissed = $derived(together(trouble.rejected.filter(({ action_id }) => dismissed.has(action_id))))

  /** MCP servers with specs that wait for a person. */
  readonly offering = $derived((server.info?.mcp ?? []).filter(({ offered }) => offered > 0))

  get count(): number {
    return KINDS.reduce((total, { count }) => total + count(), 0)
  }

  /** False while "all is well" would be a guess. */
  get isKnown(): boolean {
    return fleet.loaded && trouble.loaded && server.info !== null
  }
}

export const attention = new Attention()

export const newestFirst = (a: SessionSummary, b: SessionSummary): number =>
  a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : a.session_id < b.session_id ? -1 : 1

/** An action that waits changes nothing by itself: it keeps its place. */
export const byName = (a: SessionSummary, b: SessionSummary): number => (a.session_id < b.session_id ? -1 : 1)

export const byFailures = (a: SessionSummary, b: SessionSummary): number =>
  b.failures - a.failures || (a.session_id < b.session_id ? -1 : 1)
