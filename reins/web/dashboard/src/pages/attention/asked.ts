/** The filter of the inbox: every word occurs in what an item is about. */

import { mainArgument } from '../../tools/calls'
import { matches } from '../../ui/match'
import type { InboxItem } from '../../net/wire'

export const fits = (item: InboxItem, wanted: string): boolean =>
  wanted.trim() === '' || matches([item.tool, item.kind, `risk:${item.risk}`, item.agent_id, item.session_id, item.agent_type, mainArgument(item.args), ...item.reasons].join(' '), wanted)
