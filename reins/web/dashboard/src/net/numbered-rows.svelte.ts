/** Rows that are numbered from 1 without gaps: live at their end, any part on demand, bounded in memory. */

import { asProblem, isAbort, type ApiProblem } from './api'
import { FrameSignal } from './frame.svelte'

const PAGE_ROWS = 200
const MAX_PAGES = 60
const TAIL_ROWS = 200
const CATCH_UP_ROWS = 500
/** A longer absence is not read in between: those rows come when somebody scrolls there. */
const MAX_CATCH_UP_ROWS = 2000
const IN_FLIGHT = 2
const MOST_SINGLE = 200
const RETRY_AFTER_MS = 2000

const pageOf = (number: number): number => Math.floor((number - 1) / PAGE_ROWS)

/**
 * Row `n` is at index `n - 1` whether it is here or not. Every row enters through `#put`, which is
 * idempotent: an answer that comes twice does no harm.
 */
export abstract class NumberedRows<Row> {
  /** Number of rows, which is the number of the newest. */
  head = $state(0)
  problem = $state.raw<ApiProblem | null>(null)
  /** True once the newest rows are here. */
  ready = $state(false)
  /** The reader is at the end and wants to stay there; set by the view. */
  follow = $state(true)
  #seen = $state(0)

  #pages = new Map<number, (Row | undefined)[]>()
  #last = 0
  /** By who looks: a log and its timeline may be at different places. */
  #wanted = new Map<string, number[]>()
  #fetching = new Set<number>()
  #asked = new Set<number>()
  #catchingUp = false
  #listeners = new Set<(rows: Row[]) => void>()
  #signal = new FrameSignal()
  #stop = new AbortController()
  #leave: (() => void) | null = null

  protected abstract numberOf(row: Row): number
  /** Joins the room that the rows come from, each time from `last` on; returns what leaves it. */
  protected abstract join(): () => void
  protected abstract read(after: number, limit: number, signal: AbortSignal): Promise<Row[]>

  /** Reads single rows; only for what is shown with gaps. */
  protected readEach(_numbers: number[], _signal: AbortSignal): Promise<Row[]> {
    return Promise.resolve([])
  }

  /** `newest` is the newest number that is known elsewhere; the live part begins shortly before it. */
  open(newest: number): void {
    this.#last = Math.max(0, newest - TAIL_ROWS)
    this.head = newest
    this.#leave = this.join()
  }

  close(): void {
    this.#leave?.()
    this.#stop.abort()
    this.#listeners.clear()
  }

  /** Up to here all is known, but for what was let go. */
  get last(): number {
    return this.#last
  }

  /** Rows that came after the reader left the end. */
  get unseen(): number {
    return this.follow ? 0 : Math.max(0, this.head - this.#seen)
  }

  /** The view says whether the reader is at the end. */
  setFollow(follow: boolean): void {
    if (!follow && this.follow) this.#seen = this.head
    this.follow = follow
  }

  /** Changes at most once per frame; read it to follow the rows. */
  get version(): number {
    return this.#signal.version
  }

  /** The row, or undefined while it is not here: ask for it with `ensure`. */
  rowAt(number: number): Row | undefined {
    void this.version
    return this.#pages.get(pageOf(number))?.[(number - 1) % PAGE_ROWS]
  }

  /** Fetches what is missing of this range; a newer call replaces what an older one of the same viewer still wanted. */
  ensure(from: number, to: number, viewer = 'log'): void {
    const first = pageOf(Math.max(1, from))
    const last = pageOf(Math.max(1, Math.min(to, this.head)))
    const wanted: number[] = []
    for (let page = first; page <= last; page++) {
      this.#touch(page)
      if (!this.#isWhole(page)) wanted.push(page)
    }
    this.#wanted.set(viewer, wanted)
    this.#fetchWanted()
  }

  /** The same for single rows, far from each other: those that are missing come alone. */
  ensureEach(numbers: number[]): void {
    const missing = numbers.filter((number) => !this.#asked.has(number) && !this.#held(number)).slice(0, MOST_SINGLE)
    if (missing.length === 0) return
    for (const number of missing) this.#asked.add(number)
    this.readEach(missing, this.#stop.signal)
      .then((rows) => this.#put(rows))
      .catch((error: unknown) => this.#failed(error, () => this.ensureEach(numbers)))
      .finally(() => {
        for (const number of missing) this.#asked.delete(number)
      })
  }

  #held(number: number): boolean {
    return this.#pages.get(pageOf(number))?.[(number - 1) % PAGE_ROWS] !== undefined
  }

  /** Calls back with rows as they arrive (live and fetched ones); returns the function that ends it. */
  onRows(listener: (rows: Row[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Aborted when it is closed. */
  protected get closed(): AbortSignal {
    return this.#stop.signal
  }

  /** Takes what the room sends: new rows, and the number of the newest. */
  protected live(rows: Row[], head: number): void {
    this.head = Math.max(this.head, head)
    const fresh = rows.filter((row) => this.numberOf(row) > this.#last)
    this.#put(fresh)
    const [first] = fresh
    const newest = fresh.at(-1)
    if (first && newest && this.numberOf(first) === this.#last + 1) this.#last = this.numberOf(newest)
    if (this.#last < this.head) void this.#catchUp()
    else this.ready = true
  }

  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return
    this.#catchingUp = true
    try {
      while (this.#last < this.head) {
        if (this.head - this.#last > MAX_CATCH_UP_ROWS) this.#last = this.head - CATCH_UP_ROWS
        const newest = (await this.#fetch(this.#last, CATCH_UP_ROWS)).at(-1)
        if (!newest) break
        this.#last = Math.max(this.#last, this.numberOf(newest))
      }
      this.ready = true
    } catch (error) {
      this.#failed(error, () => void this.#catchUp())
    } finally {
      this.#catchingUp = false
    }
  }

  #fetchWanted(): void {
    while (this.#fetching.size < IN_FLIGHT) {
      const page = [...this.#wanted.values()].flat().find((each) => !this.#fetching.has(each))
      if (page === undefined) return
      for (const [viewer, pages] of this.#wanted) this.#wanted.set(viewer, pages.filter((each) => each !== page))
      this.#fetching.add(page)
      this.#fetchPage(page)
        .catch((error: unknown) => this.#failed(error, () => this.#again(page)))
        .finally(() => {
          this.#fetching.delete(page)
          this.#fetchWanted()
        })
    }
  }

  #again(page: number): void {
    if (this.#pages.has(page) && !this.#isWhole(page)) this.#wanted.set('again', [...(this.#wanted.get('again') ?? []), page])
    this.#fetchWanted()
  }

  /** An answer may hold fewer rows than were asked for, where they are long. */
  async #fetchPage(page: number): Promise<void> {
    const end = (page + 1) * PAGE_ROWS
    let after = page * PAGE_ROWS
    while (after < Math.min(end, this.head)) {
      const newest = (await this.#fetch(after, end - after)).at(-1)
      if (!newest) return
      after = this.numberOf(newest)
    }
  }

  async #fetch(after: number, limit: number): Promise<Row[]> {
    const rows = await this.read(after, limit, this.#stop.signal)
    this.problem = null
    this.#put(rows)
    return rows
  }

  #failed(error: unknown, again: () => void): void {
    if (isAbort(error)) return
    this.problem = asProblem(error)
    setTimeout(() => !this.#stop.signal.aborted && again(), RETRY_AFTER_MS)
  }

  #put(rows: Row[]): void {
    if (rows.length === 0) return
    for (const row of rows) {
      const number = this.numberOf(row)
      const page = pageOf(number)
      const held = this.#pages.get(page) ?? []
      held[(number - 1) % PAGE_ROWS] = row
      this.#pages.set(page, held)
      this.head = Math.max(this.head, number)
    }
    this.#evict()
    for (const listener of this.#listeners) listener(rows)
    this.#signal.changed()
  }

  #isWhole(page: number): boolean {
    const held = this.#pages.get(page)
    if (!held) return false
    const expected = Math.min(PAGE_ROWS, this.head - page * PAGE_ROWS)
    for (let index = 0; index < expected; index++) if (!held[index]) return false
    return true
  }

  /** A Map keeps the order of insertion: the front is what nobody has looked at for longest. */
  #touch(page: number): void {
    const held = this.#pages.get(page) ?? []
    this.#pages.delete(page)
    this.#pages.set(page, held)
  }

  #evict(): void {
    const end = pageOf(Math.max(1, this.head)) - 1
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) return
      if (page < end) this.#pages.delete(page)
    }
  }
}
