/** What somebody looks for in a log, kept in the address, and where it was found. */

import { api, asProblem, isAbort, type ApiProblem, type StepFilter } from '../../../net/api'
import type { FoundSteps, Sort } from '../../../net/wire'
import { router } from '../../../shell/router.svelte'
import { SORTS } from './sorts'

const PAGE = 500
export const BUCKETS = 300
/** A message is dated while its row is being made. */
const PUBLISHED_WITHIN_MS = 2_000
const PUBLISHED_WITHIN_ROWS = 200

export class Finder {
  found = $state.raw<FoundSteps | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  busy = $state(false)
  #stop = new AbortController()
  #pending: { key: string; answer: Promise<void> } | null = null

  constructor(readonly sessionId: string) {}

  readonly query: string = $derived(router.query('find'))
  readonly hide: Sort[] = $derived(router.queryList('hide').filter((each): each is Sort => SORTS.some(({ sort }) => sort === each)))
  readonly runs: boolean = $derived(router.query('fold') === '1')
  readonly filter: StepFilter = $derived({ q: this.query.trim(), hide: this.hide.join(',') })
  readonly seqs: ReadonlySet<number> = $derived(new Set(this.query.trim() ? this.found?.items : []))

  ask(query: string): void {
    router.setQuery({ find: query })
  }

  toggle(sort: Sort): void {
    router.setQuery({ hide: this.hide.includes(sort) ? this.hide.filter((each) => each !== sort) : [...this.hide, sort] })
  }

  fold(runs: boolean): void {
    router.setQuery({ fold: runs ? 1 : null })
  }

  /** Looks again, at the matches around a row; without one, at the newest. What is being looked for is not asked for twice. */
  search(near: number | null): Promise<void> {
    const key = JSON.stringify(this.filter)
    if (this.#pending?.key === key) return this.#pending.answer
    const answer = this.#search(near).finally(() => {
      if (this.#pending?.answer === answer) this.#pending = null
    })
    this.#pending = { key, answer }
    return answer
  }

  async #search(near: number | null): Promise<void> {
    const isAsked = this.query.trim() !== ''
    this.#stop.abort()
    this.#stop = new AbortController()
    if (!isAsked) {
      this.found = this.problem = null
      this.busy = false
      return
    }
    await this.#read({ newest: true, ...(near === null ? {} : { before_seq: near + PAGE }) })
  }

  /** The match before (-1) or after (1) the row; round the end it goes on at the other. */
  async step(from: number | null, by: 1 | -1): Promise<number | null> {
    // Who is quick with Enter means what is being looked for.
    await this.#pending?.answer
    const { found } = this
    if (!found || found.count === 0) return null
    const here = this.#within(from, by)
    if (here !== undefined) return here
    const around = from ?? found.head + 1
    if (by === 1) await this.#read({ after_seq: around })
    else await this.#read({ before_seq: around, newest: true })
    if (this.found?.items.length === 0) await this.#read(by === 1 ? {} : { newest: true })
    return (by === 1 ? this.found?.items[0] : this.found?.items.at(-1)) ?? null
  }

  /** "3" of "3 of 41"; null where the row is no match. */
  placeOf(seq: number | null): number | null {
    const at = seq === null ? -1 : (this.found?.items.indexOf(seq) ?? -1)
    return at < 0 ? null : (this.found?.skipped ?? 0) + at + 1
  }

  /** The first row at or after a time, as it is typed. Raises: ApiProblem. */
  async rowAtTime(when: string): Promise<number | null> {
    const { items } = await api.find(this.sessionId, { q: `since:${when.trim()}`, limit: 1 }, this.#stop.signal)
    return items[0] ?? null
  }

  /** The row of what the session said in its n-th tick; null where there is none. */
  async rowOfTick(tick: number): Promise<number | null> {
    const { items } = await api.find(this.sessionId, { q: `tick:${tick} kind:tick`, limit: 1 }, this.#stop.signal)
    return items[0] ?? null
  }

  /** The row that published a message of a topic, "orders:12", at about that time; null where none is found. */
  async rowOfMessage(published: string, at: string): Promise<number | null> {
    const colon = published.lastIndexOf(':')
    const [topic, number] = [published.slice(0, colon), Number(published.slice(colon + 1))]
    const since = new Date(Date.parse(at) - PUBLISHED_WITHIN_MS).toISOString()
    const { items } = await api.find(this.sessionId, { q: `since:${since}`, limit: 1 }, this.#stop.signal)
    const [first] = items
    if (first === undefined) return null
    const rows = await api.steps(this.sessionId, { after_seq: first - 1, limit: PUBLISHED_WITHIN_ROWS }, this.#stop.signal)
    const row = rows.items.find(({ payload }) => {
      const numbers = payload?.[`topic:${topic}`]
      return Array.isArray(numbers) && numbers.includes(number)
    })
    return row?.seq ?? null
  }

  close(): void {
    this.#stop.abort()
  }

  /** Only where the next one is known to be among those that are here. */
  #within(from: number | null, by: 1 | -1): number | undefined {
    const { items, skipped, count } = this.found ?? { items: [], skipped: 0, count: 0 }
    if (from === null) return by === -1 && skipped + items.length === count ? items.at(-1) : undefined
    if (by === 1) return from >= (items[0] ?? Infinity) || skipped === 0 ? items.find((seq) => seq > from) : undefined
    return from <= (items.at(-1) ?? 0) || skipped + items.length === count ? items.findLast((seq) => seq < from) : undefined
  }

  async #read(page: { after_seq?: number; before_seq?: number; newest?: boolean }): Promise<void> {
    const { signal } = this.#stop
    this.busy = true
    try {
      this.found = await api.find(this.sessionId, { ...this.filter, ...page, limit: PAGE, buckets: BUCKETS }, signal)
      this.problem = null
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
      this.found = null
    }
    this.busy = false
  }
}
