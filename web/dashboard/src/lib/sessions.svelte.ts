/** The fleet: every session's newest summary, live. */

import { api, asProblem, type ApiProblem } from './api'
import { FrameSignal } from './frame.svelte'
import { joinSessions } from './socket'
import type { SessionSummary, StatusCounts } from './wire'

const FIRST_PAGE = 200
const PAGE = 5000
const LATENCIES_KEPT = 24
const RETRY_AFTER_MS = 3000
/** The list is read after the join, so that nothing falls in between; longer than this it does not wait. */
const JOIN_WITHIN_MS = 300

/** Failed, or failing and about to try again. */
export const needsPerson = (session: SessionSummary): boolean =>
  session.status === 'failed' || isRetrying(session)

export const isRetrying = (session: SessionSummary): boolean => session.status === 'running' && session.failures > 0

class Fleet {
  #byId = new Map<string, SessionSummary>()
  #touched = new Set<string>()
  #counts: StatusCounts = {}
  #attention = 0
  #signal = new FrameSignal()
  #loading: AbortController | null = null
  #leave: (() => void) | null = null

  /** True once the whole list was read; it stays true while a later reading goes on. */
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  /** Counts of the server for the first moments, until the list is here. */
  #serverCounts = $state.raw<StatusCounts>({})

  start(): void {
    this.#leave ??= joinSessions({
      joined: () => void this.load(),
      event: ({ changed }) => this.#apply(changed),
      head: () => void this.load(),
    })
    // Without a socket the list is still worth showing.
    setTimeout(() => this.#loading ?? (this.loaded || void this.load()), JOIN_WITHIN_MS)
  }

  /** Changes at most once per frame; read it to follow any session. */
  get version(): number {
    return this.#signal.version
  }

  get size(): number {
    void this.version
    return this.#byId.size
  }

  get counts(): StatusCounts {
    void this.version
    return this.loaded ? this.#counts : this.#serverCounts
  }

  /** How many sessions need a person. */
  get attention(): number {
    void this.version
    return this.#attention
  }

  get(sessionId: string): SessionSummary | undefined {
    void this.version
    return this.#byId.get(sessionId)
  }

  /** Not reactive. */
  has(sessionId: string): boolean {
    return this.#byId.has(sessionId)
  }

  /** All sessions, in no order; not a copy. */
  values(): Iterable<SessionSummary> {
    void this.version
    return this.#byId.values()
  }

  /** The same without following changes. */
  peek(): Iterable<SessionSummary> {
    return this.#byId.values()
  }

  /** Reads the list again; of each session the newer row is kept. */
  async load(): Promise<void> {
    this.#loading?.abort()
    const loading = (this.#loading = new AbortController())
    this.#touched.clear()
    try {
      await this.#readAll(loading.signal)
      this.problem = null
      this.loaded = true
    } catch (error) {
      if (loading.signal.aborted) return
      this.problem = asProblem(error)
      setTimeout(() => this.#loading === loading && void this.load(), RETRY_AFTER_MS)
      return
    }
    if (this.#loading === loading) this.#loading = null
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const seen = new Set<string>()
    let cursor: string | null = null
    do {
      // The first lines are wanted at once, the rest in as few answers as possible.
      const limit: number = cursor === null ? FIRST_PAGE : PAGE
      const page = await api.sessions({ limit, cursor }, signal)
      this.#serverCounts = page.counts
      for (const session of page.items) {
        seen.add(session.session_id)
        this.#put(session, false)
      }
      cursor = page.next_cursor
      this.#signal.changed()
    } while (cursor !== null)
    for (const sessionId of [...this.#byId.keys()]) {
      if (!seen.has(sessionId) && !this.#touched.has(sessionId)) this.#remove(sessionId)
    }
    this.#signal.changed()
  }

  #apply(changed: SessionSummary[]): void {
    for (const session of changed) {
      this.#touched.add(session.session_id)
      this.#put(session, true)
    }
    this.#signal.changed()
  }

  #put(session: SessionSummary, append: boolean): void {
    const known = this.#byId.get(session.session_id)
    if (known) {
      if (isOlder(session, known)) return
      this.#count(known, -1)
    }
    this.#byId.set(session.session_id, append && known ? joined(known, session) : session)
    this.#count(session, 1)
  }

  #remove(sessionId: string): void {
    const known = this.#byId.get(sessionId)
    if (known) this.#count(known, -1)
    this.#byId.delete(sessionId)
  }

  #count(session: SessionSummary, by: 1 | -1): void {
    this.#counts[session.status] = (this.#counts[session.status] ?? 0) + by
    if (needsPerson(session)) this.#attention += by
  }
}

const isOlder = (session: SessionSummary, known: SessionSummary): boolean =>
  session.seq < known.seq || (session.seq === known.seq && session.updated_at < known.updated_at)

/** An event brings only the durations that are new; at the same seq there are none. */
function joined(known: SessionSummary, session: SessionSummary): SessionSummary {
  const added = session.seq > known.seq ? session.latencies_ms : []
  return { ...session, latencies_ms: [...known.latencies_ms, ...added].slice(-LATENCIES_KEPT) }
}

export const fleet = new Fleet()
