/** The fleet: every session's newest summary, live. */

import { api, asProblem, type ApiProblem } from '../net/api'
import { FrameSignal } from '../net/frame.svelte'
import { joinSessions } from '../net/socket'
import type { SessionsPage, SessionSummary, StatusCounts } from '../net/wire'

/** All at once where possible: lines that come in parts would be sorted in between each other. */
const PAGE = 5000
/** More lines than a screen has, and little on a slow line. */
const FIRST_LOOK = 50
const LATENCIES_KEPT = 24
const AGAIN_AFTER_MS = 2000
/** So long after its first lines the list is read without a join, too. */
const WITHOUT_SOCKET_MS = 2000
/** The list is read after the join, so that nothing falls in between; after this long, its first lines are. */
const JOIN_WITHIN_MS = 100
/** The page itself took so long to come that a join will, too. */
const SLOW_AFTER_MS = 600

/** Shared with others, and away for now. */
const AWAY = ['model', 'budget']

/** It has asked, and goes on when somebody has decided or answered. */
export const asksPerson = ({ waits, status }: SessionSummary): boolean =>
  (waits?.kind === 'approval' || waits?.kind === 'question') && !ENDED.includes(status)

/** It makes no way, and does nothing before somebody guides or resumes it. */
export const isStuck = ({ waits, status }: SessionSummary): boolean => waits?.kind === 'stuck' && !ENDED.includes(status)

const ENDED: readonly SessionSummary['status'][] = ['stopped', 'completed', 'failed']

/** Failed, failing and about to try again, or waiting for a larger budget. */
export const needsPerson = (session: SessionSummary): boolean =>
  session.status === 'failed' || isRetrying(session) || isHeld(session) || asksPerson(session) || isStuck(session)

/** It has no goal, and goes on when it is given one. */
export const isIdle = ({ idle, status }: SessionSummary): boolean => idle && status === 'running'

/** Paused by a budget of which nothing is left. */
export const isHeld = (session: SessionSummary): boolean => session.held !== null && session.status === 'paused'

/** Something that it shares with others is away, and it continues once that is back. */
export const isWaiting = (session: SessionSummary): boolean =>
  session.status === 'running' && session.waits !== null && AWAY.includes(session.waits.kind)

export const isRetrying = (session: SessionSummary): boolean =>
  isWaiting(session) || (session.status === 'running' && session.failures > 0 && !asksPerson(session) && !isStuck(session))

class Fleet {
  #byId = new Map<string, SessionSummary>()
  #touched = new Set<string>()
  #counts: StatusCounts = {}
  #told: StatusCounts = {}
  #attention = 0
  #held = 0
  #asking = 0
  #stuck = 0
  #signal = new FrameSignal()
  #loading = false
  #stale = false
  #leave: (() => void) | null = null

  /** True once there is something to show: the first lines, or the whole list. */
  begun = $state(false)
  /** True once the whole list was read; it stays true while a later reading goes on. No sum is known before. */
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  start(): void {
    this.#leave ??= joinSessions({
      joined: () => void this.load(),
      event: ({ changed }) => this.#apply(changed),
      head: () => void this.load(),
      poll: () => this.load(),
    })
    // On a slow line, and without a socket, its first lines are worth showing.
    const wait_ms = performance.now() > SLOW_AFTER_MS ? 0 : JOIN_WITHIN_MS
    setTimeout(() => this.#loading || this.begun || void this.#look(), wait_ms)
  }

  /** Changes at most once per frame; read it to follow any session. */
  get version(): number {
    return this.#signal.version
  }

  get size(): number {
    void this.version
    return this.#byId.size
  }

  /** Of all sessions: counted by the server until the whole list is here. */
  get counts(): StatusCounts {
    void this.version
    return this.loaded ? this.#counts : this.#told
  }

  /** How many sessions need a person. */
  get attention(): number {
    void this.version
    return this.loaded ? this.#attention : 0
  }

  /** How many of them wait for a larger budget. */
  get held(): number {
    void this.version
    return this.loaded ? this.#held : 0
  }

  /** How many have asked a person and wait. */
  get asking(): number {
    void this.version
    return this.loaded ? this.#asking : 0
  }

  /** How many make no way. */
  get stuck(): number {
    void this.version
    return this.loaded ? this.#stuck : 0
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

  /**
   * Reads the list again; of each session the newer row is kept. Asked for during a reading, it is
   * done once more afterwards: given up each time, a slow reading would never come to its end.
   */
  async load(): Promise<void> {
    this.#stale = true
    if (this.#loading) return
    this.#loading = true
    while (this.#stale) {
      this.#stale = false
      try {
        await this.#readAll()
        this.problem = null
        this.loaded = this.begun = true
      } catch (error) {
        this.problem = asProblem(error)
        this.#stale = true
      }
      if (this.#stale) await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
    }
    this.#loading = false
  }

  /** Reads the first lines; the whole list comes after the join, or now where there is no more of it. */
  async #look(): Promise<void> {
    try {
      const { items, counts } = await api.sessions({ limit: FIRST_LOOK })
      if (this.loaded) return
      for (const session of items) this.#put(session, false)
      this.#told = counts
      this.begun = true
      this.#signal.changed()
    } catch {
      // The whole reading says what is wrong.
    }
    setTimeout(() => this.#loading || this.loaded || void this.load(), WITHOUT_SOCKET_MS)
  }

  async #readAll(): Promise<void> {
    this.#touched.clear()
    const seen = new Set<string>()
    let cursor: string | null = null
    do {
      const page: SessionsPage = await api.sessions({ limit: PAGE, cursor })
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
    if (isHeld(session)) this.#held += by
    if (asksPerson(session)) this.#asking += by
    if (isStuck(session)) this.#stuck += by
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
