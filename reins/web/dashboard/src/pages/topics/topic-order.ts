/** The orders of the list of topics, as the URL names them. */

import { letters } from '../../state/letters.svelte'
import { topics } from '../../state/topics.svelte'
import type { TopicRow } from '../../net/wire'

export type Order = '' | 'messages' | 'rate' | 'dead'

const MOST_FIRST: Record<Exclude<Order, ''>, (row: TopicRow) => number> = {
  messages: ({ messages }) => messages,
  dead: ({ topic }) => letters.waiting(topic),
  rate: ({ topic }) => topics.perMinute(topic) ?? 0,
}

const isOrder = (name: string): name is Exclude<Order, ''> => name in MOST_FIRST

/** By name, as they come; or those with the most first. */
export function sorted(rows: TopicRow[], order: string): TopicRow[] {
  if (!isOrder(order)) return rows
  const figure = MOST_FIRST[order]
  return rows
    .map((row) => ({ row, most: figure(row) }))
    .sort((one, other) => other.most - one.most)
    .map(({ row }) => row)
}
