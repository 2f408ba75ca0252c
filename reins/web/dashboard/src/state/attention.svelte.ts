/** Everything that needs a person, kind by kind: the one source of the rail's badge and of the Attention page. */

import { at } from '../net/base'
import { dismissed } from './dismissed.svelte'
import { server } from './server.svelte'
import { causeOf, fleet } from './fleet.svelte'
import { letterCauseId, letters } from './letters.svelte'
import { snoozed } from './snoozed.svelte'
import { trouble } from './trouble.svelte'
import type { ActionRow } from '../net/wire'

export interface Kind {
  id: 'inbox' | 'worker' | 'causes' | 'letters' | 'offered' | 'waiting' | 'rejected'
  title: string
  /** Its meaning and its remedy, in a line. */
  hint: string
  /** Cheap: the badge asks for it at every change. */
  count: () => number
  /** The page that lists all of them. */
  all?: { href: string; label: string }
}

const hasNoWorker = (): boolean => server.info?.worker === 'none'

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
    id: 'causes',
    title: 'Sessions in trouble, by cause',
    hint: '',
    count: () => attention.causes,
    all: { href: at('/sessions?mood=failing,hanging,held,stuck'), label: 'All in Sessions' },
  },
  {
    id: 'letters',
    title: 'Dead letters, by topic and subscriber',
    hint: 'Messages that a subscriber could not use after all its attempts. Mend the cause, then replay them.',
    count: () => letters.causes.length,
    all: { href: at('/topics'), label: 'All in Topics' },
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

/** One thing that needs a person, as far as a notification tells of it. */
export interface Matter {
  id: string
  title: string
  count: number
}

class Attention {
  /** Those that were not dismissed, the newest first. */
  readonly rejected = $derived(together(trouble.rejected.filter(({ action_id }) => !dismissed.has(action_id))))
  readonly dismissed = $derived(together(trouble.rejected.filter(({ action_id }) => dismissed.has(action_id))))

  /** MCP servers with specs that wait for a person. */
  readonly offering = $derived((server.info?.mcp ?? []).filter(({ offered }) => offered > 0))

  /** How many causes, but for those that are snoozed, and how many sessions these concern. */
  readonly #loud = $derived([...fleet.causes].map(([id, count]) => ({ ...causeOf(id), count })).filter((each) => !snoozed.has(each)))
  readonly causes = $derived(this.#loud.length)
  readonly concerned = $derived(this.#loud.reduce((total, { count }) => total + count, 0))

  /** What has an id of its own while it lasts, but for what sessions ask: that is the inbox's to tell. */
  get matters(): Matter[] {
    return [
      ...(hasNoWorker() ? [{ id: 'worker', title: 'No worker runs', count: 1 }] : []),
      ...this.#loud.map(({ kind, key, count }) => ({ id: `${kind} ${key}`, title: `Sessions are ${kind}`, count })),
      ...letters.causes.map((each) => ({ id: `letters ${letterCauseId(each)}`, title: `${each.session_id} could not use messages of ${each.topic}`, count: each.count })),
      ...this.offering.map(({ name }) => ({ id: `offered ${name}`, title: `Tools of ${name} have changed`, count: 1 })),
      ...this.rejected.map(({ action, actionIds }) => ({ id: `rejected ${action.action_id}`, title: `${action.type} was rejected`, count: actionIds.length })),
    ]
  }

  get count(): number {
    return KINDS.reduce((total, { count }) => total + count(), 0)
  }

  /** False while "all is well" would be a guess. */
  get isKnown(): boolean {
    return fleet.loaded && trouble.loaded && server.info !== null
  }
}

export const attention = new Attention()
