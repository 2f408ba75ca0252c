/** Which sessions are shown, in which order: the fleet seen through the filters of the URL. */

import { untrack } from 'svelte'
import { grouped, GROUPINGS, type Group, type Grouping } from './groups'
import { search } from './search'
import { router } from '../../shell/router.svelte'
import { fleet } from '../../state/fleet.svelte'
import { vocabulary } from '../../state/vocabulary.svelte'
import type { SessionSummary } from '../../net/wire'

/** Lines that jump several times a second cannot be read, nor hit with a pointer. */
const EVERY_MS = 400
const EVERY_MS_MOVING = 1500

const naturally = new Intl.Collator(undefined, { numeric: true }).compare
const byName = (a: SessionSummary, b: SessionSummary): number =>
  naturally(a.agent_id, b.agent_id) || naturally(a.session_id, b.session_id)
const newest = (time: string | null): number => (time === null ? 0 : Date.parse(time))

type Compare = (a: SessionSummary, b: SessionSummary) => number
const SORTS = {
  name: byName,
  status: (a, b) => vocabulary.rankOf(a.status) - vocabulary.rankOf(b.status),
  type: (a, b) => naturally(a.agent_type, b.agent_type),
  route: (a, b) => naturally(a.route ?? '', b.route ?? ''),
  by: (a, b) => naturally(a.created_by ?? '', b.created_by ?? ''),
  conversation: (a, b) => naturally(a.conversation_id ?? '', b.conversation_id ?? ''),
  tick: (a, b) => newest(b.last_tick_at) - newest(a.last_tick_at),
  ticks: (a, b) => b.ticks - a.ticks,
  tokens: (a, b) => b.tokens_in + b.tokens_out - (a.tokens_in + a.tokens_out),
  cost: (a, b) => b.cost_usd - a.cost_usd,
} satisfies Record<string, Compare>
export type Sort = keyof typeof SORTS
const MOVING: Sort[] = ['tick', 'ticks', 'tokens', 'cost']
/** Of these the largest are wanted first. */
const LARGEST_FIRST: Sort[] = ['ticks', 'tokens', 'cost']

/** Every filter of the list, as the URL has it. */
export const filters = {
  get q(): string {
    return router.query('q')
  },
  get statuses(): string[] {
    return router.queryList('status')
  },
  get moods(): string[] {
    return router.queryList('mood')
  },
  get group(): Grouping | null {
    const wanted = router.query('group')
    return wanted in GROUPINGS ? (wanted as Grouping) : null
  },
  get sort(): Sort {
    const wanted = router.query('sort').replace('-', '')
    return wanted in SORTS ? (wanted as Sort) : 'name'
  },
  get reversed(): boolean {
    return router.query('sort').startsWith('-')
  },
  /** Of this column; undefined where the list is not sorted by it. */
  directionOf(sort: Sort | null): 'ascending' | 'descending' | undefined {
    if (sort !== this.sort) return undefined
    return LARGEST_FIRST.includes(sort) === this.reversed ? 'ascending' : 'descending'
  },
  get any(): boolean {
    return this.q !== '' || this.statuses.length > 0 || this.moods.length > 0
  },
  clear(): void {
    router.setQuery({ q: null, status: null, mood: null })
  },
  /** The same column again turns the order round. */
  sortBy(sort: Sort): void {
    const turn = this.sort === sort && !this.reversed
    router.setQuery({ sort: turn ? `-${sort}` : sort === 'name' ? null : sort })
  },
}

export class FleetOrder {
  /** Those of open groups, in their order. */
  ids = $state.raw<string[]>([])
  /** The same with a line before each group. */
  rows = $state.raw<(string | Group)[]>([])
  /** How many sessions fit, in closed groups too. */
  fitting = $state(0)
  /** Of all sessions shown. */
  cost_usd = $state(0)
  tokens = $state(0)
  /** All sessions in the wanted order; kept, because sorting what is nearly sorted costs little. */
  #sorted: SessionSummary[] = []
  #closed = new Set<string>()
  #at = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    $effect(() => {
      // Read here, so that the list shows at once when it is here, and after a change of the filters.
      void [fleet.begun, fleet.loaded, filters.q, filters.statuses, filters.moods, filters.group, filters.sort, filters.reversed, vocabulary.loaded]
      untrack(() => this.#compute())
    })
    $effect(() => {
      void fleet.version
      untrack(() => this.#soon())
    })
    $effect(() => () => clearTimeout(this.#timer))
  }

  isOpen(key: string): boolean {
    void this.rows
    return !this.#closed.has(key)
  }

  /** Opens or closes a group. */
  toggle(key: string): void {
    if (!this.#closed.delete(key)) this.#closed.add(key)
    this.#publish()
  }

  #soon(): void {
    const pause = MOVING.includes(filters.sort) ? EVERY_MS_MOVING : EVERY_MS
    const wait = Math.max(0, this.#at + pause - performance.now())
    this.#timer ??= setTimeout(() => this.#compute(), wait)
  }

  #compute(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#at = performance.now()
    const all = this.#merge()
    const compare: Compare = SORTS[filters.sort]
    const sign = filters.reversed ? -1 : 1
    this.#sorted = all.sort((a, b) => sign * compare(a, b) || byName(a, b))
    this.#publish()
  }

  /** The newest of each, still in the order of last time, with what is new at the end. */
  #merge(): SessionSummary[] {
    const fresh = new Map<string, SessionSummary>()
    for (const session of fleet.peek()) fresh.set(session.session_id, session)
    const merged: SessionSummary[] = []
    for (const { session_id } of this.#sorted) {
      const session = fresh.get(session_id)
      if (session) merged.push(session)
      fresh.delete(session_id)
    }
    return [...merged, ...fresh.values()]
  }

  #publish(): void {
    const { q, statuses, moods, group } = filters
    const fits = search(q)
    const shown: SessionSummary[] = []
    let [cost_usd, tokens] = [0, 0]
    for (const session of this.#sorted) {
      if (statuses.length > 0 && !statuses.includes(session.status)) continue
      if (moods.length > 0 && !moods.includes(session.mood)) continue
      if (!fits(session)) continue
      shown.push(session)
      cost_usd += session.cost_usd
      tokens += session.tokens_in + session.tokens_out
    }
    this.cost_usd = cost_usd
    this.tokens = tokens
    this.fitting = shown.length
    if (group === null) {
      const ids = shown.map(({ session_id }) => session_id)
      if (!sameList(ids, this.rows)) [this.ids, this.rows] = [ids, ids]
      return
    }
    const groups = grouped(shown, group)
    const open = groups.filter(({ key }) => !this.#closed.has(key))
    const ids = open.flatMap((each) => each.ids)
    if (!sameList(ids, this.ids)) this.ids = ids
    this.rows = groups.flatMap((each) => (this.#closed.has(each.key) ? [each] : [each, ...each.ids]))
  }
}

const sameList = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((each, index) => each === b[index])
