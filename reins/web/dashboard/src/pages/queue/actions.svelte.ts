/** The queue as the page lists it: newest actions first, live, older ones on request. */

import { api, asProblem, type ApiProblem } from '../../net/api'
import { connection } from '../../net/connection.svelte'
import { FrameSignal } from '../../net/frame.svelte'
import { joinQueue } from '../../net/socket'
import type { ActionRow, Outcome } from '../../net/wire'

const PAGE = 100
/** As many as the server gives in one answer: a reading anew covers what was loaded, up to this. */
const MOST_AT_ONCE = 1000
/** Beyond this the oldest are let go when the reader is at the top. */
const MOST_KEPT = 5000
const RETRY_AFTER_MS = 3000

/** The part of the filters that the server applies. */
interface Wanted {
  state: Outcome | null
  type: string
  session: string
}

/** Events bring every action, whatever is wanted. */
const fits = (row: ActionRow, { state, type, session }: Wanted): boolean =>
  (!state || row.outcome === state) && (!type || row.type === type) && (!session || row.session_id === session)

/** Rows written by hand may lack a time; they are the oldest, as the server has it. */
const byAge = (a: ActionRow, b: ActionRow): number =>
  compare(b.created_at ?? '', a.created_at ?? '') || compare(b.action_id, a.action_id)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export class ActionList {
  #rows = new Map<string, ActionRow>()
  #sorted: ActionRow[] | null = []
  #touched = new Set<string>()
  #signal = new FrameSignal()
  #reading: AbortController | null = null
  #leave: (() => void) | null = null
  #cursor: string | null = null
  #pinned = ''

  loaded = $state(false)
  /** True while older rows are on their way. */
  isReading = $state(false)
  /** True once there is nothing older. */
  atEnd = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  constructor(readonly wanted: Wanted) {}

  open(): void {
    this.#leave ??= joinQueue({
      joined: () => void this.load(),
      event: ({ changed }) => this.#apply(changed),
      head: () => void this.load(),
      poll: () => (this.#reading ? null : this.load()),
    })
    // The list is worth showing while the socket is still on its way; once it is up, the join reads it.
    if (!connection.up) void this.load()
  }

  close(): void {
    this.#leave?.()
    this.#leave = null
    this.#reading?.abort()
    this.#reading = null
  }

  get version(): number {
    return this.#signal.version
  }

  /** Newest first; a new array after each change. */
  get rows(): ActionRow[] {
    void this.version
    return (this.#sorted ??= [...this.#rows.values()].sort(byAge))
  }

  get(actionId: string): ActionRow | undefined {
    void this.version
    return this.#rows.get(actionId)
  }

  /** The row that is being read stays, even if it changes so that it does not fit any more. */
  pin(actionId: string): void {
    const before = this.#pinned
    this.#pinned = actionId
    this.#leaveIfUnfit(before)
    this.#changed()
  }

  /** Reads anew what is loaded, because something may have been missed. */
  async load(): Promise<void> {
    this.#touched.clear()
    const limit = Math.min(MOST_AT_ONCE, Math.max(PAGE, this.#rows.size))
    await this.#read(limit, null, (fetched) => {
      for (const id of [...this.#rows.keys()]) {
        if (!fetched.has(id) && !this.#touched.has(id) && id !== this.#pinned) this.#rows.delete(id)
      }
    })
  }

  /** The next older page. */
  async more(): Promise<void> {
    if (!this.loaded || this.#reading || this.#cursor === null) return
    await this.#read(PAGE, this.#cursor)
  }

  /** Lets go of the oldest, if there are very many; for when the reader looks at the newest. */
  trim(): void {
    if (this.#rows.size > MOST_KEPT && !this.#reading) {
      this.#rows = new Map(this.rows.slice(0, MOST_AT_ONCE).map((row) => [row.action_id, row]))
      void this.load()
    }
  }

  async #read(limit: number, cursor: string | null, then?: (fetched: Set<string>) => void): Promise<void> {
    this.#reading?.abort()
    const reading = (this.#reading = new AbortController())
    this.isReading = true
    try {
      const { state, type, session } = this.wanted
      const query = { state: state ?? undefined, type, session_id: session, limit, cursor }
      const page = await api.actions(query, reading.signal)
      then?.(new Set(page.items.map((row) => row.action_id)))
      for (const row of page.items) this.#put(row)
      this.#cursor = page.next_cursor
      this.atEnd = page.next_cursor === null
      this.problem = null
      this.loaded = true
    } catch (error) {
      if (reading.signal.aborted) return
      this.problem = asProblem(error)
      if (cursor === null && this.problem.status <= 0) setTimeout(() => this.#leave && !this.#reading && void this.load(), RETRY_AFTER_MS)
    } finally {
      if (this.#reading === reading) {
        this.#reading = null
        this.isReading = false
      }
      this.#changed()
    }
  }

  #apply(changed: ActionRow[]): void {
    // What is older than everything loaded comes with its page, or there would be a hole before it.
    const last = this.atEnd ? undefined : this.rows.at(-1)
    for (const row of changed) {
      const isKnown = this.#rows.has(row.action_id)
      if (!isKnown && (!fits(row, this.wanted) || (last && byAge(row, last) > 0))) continue
      this.#touched.add(row.action_id)
      this.#put(row)
      if (isKnown) this.#leaveIfUnfit(row.action_id)
    }
    this.#changed()
  }

  /** A row that changed so that it does not fit any more leaves, but for the one that is being read. */
  #leaveIfUnfit(id: string): void {
    const row = this.#rows.get(id)
    if (row && id !== this.#pinned && !fits(row, this.wanted)) this.#rows.delete(id)
  }

  /** An answer may be older than an event: what is processed stays so. */
  #put(row: ActionRow): void {
    if (!row.processed && this.#rows.get(row.action_id)?.processed) return
    this.#rows.set(row.action_id, row)
    this.#sorted = null
  }

  #changed(): void {
    this.#sorted = null
    this.#signal.changed()
  }
}
