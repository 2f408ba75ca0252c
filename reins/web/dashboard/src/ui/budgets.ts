/** Budgets in words. */

import { formatCost } from './time.svelte'
import type { Held, ScopeBudget } from '../net/wire'

export type What = Held['what']
export type Scope = ScopeBudget['scope']

export const WHATS: readonly What[] = ['ticks', 'tokens', 'cost_usd', 'wall_s']

export const NAMES: Record<What, string> = { ticks: 'Ticks', tokens: 'Tokens', cost_usd: 'Cost', wall_s: 'Time in ticks' }
export const UNITS: Record<What, string> = { ticks: 'ticks', tokens: 'tokens, in and out', cost_usd: 'US dollars', wall_s: 'seconds in ticks' }

export const SCOPES: Record<Scope, { title: string; whose: string; hint: string }> = {
  session: { title: 'Session', whose: "the session's", hint: 'for as long as it exists' },
  agent: { title: 'Agent', whose: "the agent's", hint: 'all sessions of the agent together' },
  tree: { title: 'Tree', whose: "the tree's", hint: 'its root with all children together' },
  day: { title: 'Day', whose: "the day's", hint: 'this session, since midnight UTC' },
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** "1,200", "$0.0031", "12.5 s". */
export function amountOf(what: What, value: number): string {
  if (what === 'cost_usd') return formatCost(value)
  return what === 'wall_s' ? `${grouped.format(value)} s` : grouped.format(value)
}
