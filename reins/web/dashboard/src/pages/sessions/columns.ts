/** The columns of the list: which there are, which are shown, and how wide they are. */

import { router } from '../../shell/router.svelte'
import type { Sort } from './fleet-order.svelte'

export interface Column {
  /** Also its area in the grid. */
  id: string
  label: string
  width: string
  sort: Sort | null
  title?: string
  /** Shown in a list of at least so many pixels. */
  from?: number
  /** Only where somebody has chosen it. */
  rare?: boolean
  /** Right-aligned. */
  figure?: boolean
}

export const COLUMNS: readonly Column[] = [
  { id: 'status', label: 'Status', width: '84px', sort: 'status' },
  { id: 'name', label: 'Agent · session', width: 'minmax(110px, 1.5fr)', sort: 'name' },
  { id: 'type', label: 'Type', width: '64px', sort: 'type', from: 1000 },
  { id: 'route', label: 'Route', width: '84px', sort: 'route', title: 'The model route that it names', from: 800, rare: true },
  { id: 'by', label: 'Owner', width: '84px', sort: 'by', title: 'Who created it', from: 800, rare: true },
  { id: 'conversation', label: 'Conversation', width: '104px', sort: 'conversation', from: 800, rare: true },
  { id: 'output', label: 'Latest output', width: 'minmax(0, 4fr)', sort: null },
  { id: 'age', label: 'Tick', width: '52px', sort: 'tick', title: 'Time since the last tick', figure: true },
  { id: 'ticks', label: 'Ticks', width: '52px', sort: 'ticks', figure: true },
  { id: 'tokens', label: 'Tokens', width: '56px', sort: 'tokens', title: 'Tokens in and out', from: 1000, figure: true },
  { id: 'cost', label: 'Cost', width: '60px', sort: 'cost', from: 800, figure: true },
  { id: 'spark', label: 'Durations', width: '72px', sort: null, title: 'How long the newest ticks took' },
]
const FIXED = ['status', 'name']
/** In a narrower list a line becomes two, with these alone. */
const NARROW_PX = 600
const NARROW = ['name', 'status', 'age', 'output']
const USUAL = COLUMNS.filter(({ rare }) => !rare).map(({ id }) => id)

/** Those that may be left out. */
export const CHOOSABLE = COLUMNS.filter(({ id }) => !FIXED.includes(id))

export const columns = {
  /** The chosen ones, as the URL has them. */
  get chosen(): string[] {
    const asked = router.queryList('columns')
    return asked.length > 0 ? [...FIXED, ...asked] : USUAL
  },
  toggle(id: string): void {
    const now = this.chosen
    const next = COLUMNS.map((each) => each.id).filter((each) => !FIXED.includes(each) && now.includes(each) !== (each === id))
    const usual = USUAL.filter((each) => !FIXED.includes(each))
    // At least one, or the address would say nothing.
    router.setQuery({ columns: next.join() === usual.join() ? null : next.length > 0 ? next : ['output'] })
  },
}

export const isNarrow = (width: number): boolean => width <= NARROW_PX

/** Of the chosen columns those that a list of this width has room for. */
export function columnsIn(width: number): Column[] {
  if (isNarrow(width)) return COLUMNS.filter(({ id }) => NARROW.includes(id))
  const chosen = columns.chosen
  return COLUMNS.filter(({ id, from = 0 }) => chosen.includes(id) && width >= from)
}

/** The grid of a line, as styles. */
export function gridOf(shown: readonly Column[], width: number): string {
  if (isNarrow(width)) {
    return "--areas: 'mark name status age' 'mark output output output'; --columns: 14px minmax(0, 1fr) auto 48px; --line-edge: var(--s3); --line-gap: 2px var(--s2)"
  }
  return `--areas: 'mark ${shown.map(({ id }) => id).join(' ')}'; --columns: 14px ${shown.map((each) => each.width).join(' ')}`
}
