/** The fleet: every session's newest summary, live. */

import { api, asProblem, type ApiProblem } from '../net/api'
import { FrameSignal } from '../net/frame.svelte'
import { joinSessions } from '../net/socket'
import { vocabulary } from './vocabulary.svelte'
import type { Cause, Mood, SessionsPage, SessionSummary } from '../net/wire'

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

// How a session is, is the server's to say: its mood. Here are only names for what the page asks of it.

/** It has asked, and goes on when somebody has decided or answered. */
export const asksPerson = ({ mood }: SessionSummary): boolean => mood === 'asking'

/** It makes no way, and does nothing before somebody guides or resumes it. */
export const isStuck = ({ mood }: SessionSummary): boolean => mood === 'stuck'

/** It has no goal, and goes on when it is given one. */
export const isIdle = ({ idle, status }: SessionSummary): boolean => idle && status === 'running'

/** The sessions above one in its tree, the root first; as far as the list knows them. */
export function ancestorsOf(session: Pick<SessionSummary, 'parent_session_id'>): string[] {
  const above: string[] = []
  let at = session.parent_session_id
  while (at !== null && at !== undefined && !above.includes(at)) {
    above.unshift(at)
    at = fleet.get(at)?.parent_session_id ?? null
  }
  return above
}

/** The sessions below these in their trees that have not ended, without these themselves. */
export function belowOf(ids: ReadonlySet<string>): string[] {
  const found: string[] = []
  for (const each of fleet.values())
    if (each.parent_session_id !== null && !ids.has(each.session_id) && !vocabulary.hasEnded(each.status) && ancestorsOf(each).some((id) => ids.has(id))) found.push(each.session_id)
  return found
}

/** Paused by a budget of which nothing is left. */
export const isHeld = ({ mood }: SessionSummary): boolean => mood === 'held'

/** Something that it shares with others is away, and it continues once that is back. */
export const isWaiting = ({ cause }: SessionSummary): boolean => cause?.kind === 'failing'

/** Its newest ticks failed, and it tries again by itself. */
export const isRetrying = ({ mood, status }: SessionSummary): boolean => mood === 'failing' && status === 'running'

class Fleet {
  #byId = new Map<string, SessionSummary>()
  #touched = new Set<string>()
  #moods: Partial<Record<Mood, number>> = {}
  #told: Partial<Record<Mood, number>> = {}
  /** How many sessions there are of each cause. */
  #causes = new Map<string, number>()
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

  /** How many of all sessions there are of each mood: counted by the server until the whole list is here. */
  get moods(): Partial<Record<Mood, number>> {
    void this.version
    return this.loaded ? this.#moods : this.#told
  }

  /** How many sessions each cause concerns, by `causeId`; those that ask are not among them. */
  get causes(): ReadonlyMap<string, number> {
    void this.version
    return this.#causes
  }

  /** How many have asked a person and wait. */
  get asking(): number {
    return this.moods.asking ?? 0
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
      const { items, moods } = await api.sessions({ limit: FIRST_LOOK })
      if (this.loaded) return
      for (const session of items) this.#put(session, false)
      this.#told = moods
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
    this.#moods[session.mood] = (this.#moods[session.mood] ?? 0) + by
    const { cause } = session
    if (!cause || cause.kind === 'asking') return
    const id = causeId(cause)
    const count = (this.#causes.get(id) ?? 0) + by
    if (count > 0) this.#causes.set(id, count)
    else this.#causes.delete(id)
  }
}

/** Of one cause some sessions try again and others have given up: two matters for a person. */
export const causeId = ({ kind, key }: Pick<Cause, 'kind' | 'key'>): string => `${kind} ${key}`

export function causeOf(id: string): Pick<Cause, 'kind' | 'key'> {
  const at = id.indexOf(' ')
  return { kind: id.slice(0, at) as Cause['kind'], key: id.slice(at + 1) }
}

const isOlder = (session: SessionSummary, known: SessionSummary): boolean =>
  session.seq < known.seq || (session.seq === known.seq && session.updated_at < known.updated_at)

/** An event brings only the durations that are new; at the same seq there are none. */
function joined(known: SessionSummary, session: SessionSummary): SessionSummary {
  const added = session.seq > known.seq ? session.latencies_ms : []
  return { ...session, latencies_ms: [...known.latencies_ms, ...added].slice(-LATENCIES_KEPT) }
}

export const fleet = new Fleet()
