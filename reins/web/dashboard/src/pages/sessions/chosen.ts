/** Sessions that somebody acts on, as they were when they were chosen: what changes later is not among them. */

import { untrack } from 'svelte'
import { fleet } from '../../state/fleet.svelte'
import { vocabulary } from '../../state/vocabulary.svelte'
import type { Status } from '../../net/wire'

const NAMED = 10

export interface Chosen {
  readonly ids: readonly string[]
  /** "a, b and 12 more". */
  readonly names: string
  /** "12 running, 2 paused". */
  readonly statuses: string
}

export function chosen(sessionIds: Iterable<string>): Chosen {
  const ids = [...sessionIds]
  const counts = new Map<Status, number>()
  untrack(() => {
    for (const id of ids) {
      const status = fleet.get(id)?.status
      if (status) counts.set(status, (counts.get(status) ?? 0) + 1)
    }
  })
  const statuses = [...counts].sort(([one], [other]) => vocabulary.rankOf(one) - vocabulary.rankOf(other))
  return { ids, names: namesOf(ids), statuses: statuses.map(([status, count]) => `${count} ${status}`).join(', ') }
}

/** The first ten, and how many more. */
export function namesOf(ids: readonly string[]): string {
  const more = ids.length - NAMED
  return more > 0 ? `${ids.slice(0, NAMED).join(', ')} and ${more} more` : ids.join(', ')
}
