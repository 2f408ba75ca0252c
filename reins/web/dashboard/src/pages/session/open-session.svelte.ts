/** The session whose page is open: what is known of it, its log, and what it does at this moment. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { SessionLog } from './log.svelte'
import { receipts } from '../../steering/receipts.svelte'
import { SessionActs } from './session-acts.svelte'
import { fleet } from '../../state/fleet.svelte'
import { WholeRows } from './whole-rows.svelte'
import { agentTypes } from '../../state/agent-types.svelte'
import { vocabulary } from '../../state/vocabulary.svelte'
import type { AgentType, SessionDetail, SessionNow, SessionSummary, Status } from '../../net/wire'

const RETRY_AFTER_MS = 3000
const NOW_EVERY_MS = 1000
const NOT_FOUND = 404

export class OpenSession {
  readonly acts: SessionActs
  readonly whole: WholeRows
  log = $state.raw<SessionLog | null>(null)
  detail = $state.raw<SessionDetail | null>(null)
  now = $state.raw<SessionNow | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** The server says that there is none; it may yet be created. */
  unknown = $state(false)
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #leaveTypes: () => void

  constructor(readonly sessionId: string) {
    this.acts = new SessionActs(sessionId)
    this.whole = new WholeRows(sessionId)
    void this.load()
    this.#leaveTypes = agentTypes.watch()
  }

  /** The newest of what the list, the log and the detail know. */
  readonly summary: SessionSummary | null = $derived.by(() => {
    const known = [fleet.get(this.sessionId), this.log?.session, this.detail].filter((each) => !!each)
    return known.reduce<SessionSummary | null>((best, each) => (best && best.seq >= each.seq ? best : each), null)
  })
  readonly status: Status | null = $derived(this.summary?.status ?? null)
  /** The agent type, with the guidance it takes; null until it is known. */
  readonly type: AgentType | null = $derived(agentTypes.get(this.summary?.agent_type))
  readonly ended: boolean = $derived(this.status !== null && vocabulary.hasEnded(this.status))
  /** When the tick in flight began, in ms; null when none is. A row that came since has ended it. */
  readonly tickBegan: number | null = $derived.by(() => {
    if (!this.now?.tick_began_at || this.ended) return null
    const began = Date.parse(this.now.tick_began_at)
    const last = this.log?.rowAt(this.log.head)
    const isOver = (last?.kind === 'tick' || last?.kind === 'error') && Date.parse(last.created_at) > began
    return isOver ? null : began
  })

  async load(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const detail = await api.session(this.sessionId, this.#stop.signal)
      this.detail = detail
      this.now ??= detail.now
      this.problem = null
      this.unknown = false
      this.openLog(detail)
    } catch (error) {
      if (isAbort(error)) return
      const problem = asProblem(error)
      this.unknown = problem.status === NOT_FOUND
      this.problem = this.unknown ? null : problem
      if (!this.unknown) this.#timer = setTimeout(() => void this.load(), RETRY_AFTER_MS)
    }
  }

  /** Asks once a second what it does at this moment, while somebody looks; returns what ends it. */
  watchNow(): () => void {
    const ask = async (): Promise<void> => {
      if (document.hidden) return
      try {
        this.now = await api.sessionNow(this.sessionId, this.#stop.signal)
      } catch {
        // The connection strip says it; the next second asks again.
        this.now = null
      }
    }
    void ask()
    const timer = setInterval(() => void ask(), NOW_EVERY_MS)
    return () => {
      clearInterval(timer)
      this.now = null
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
    this.#leaveTypes()
    this.acts.close()
    this.whole.close()
    this.log?.close()
  }

  /** With the summary of whoever knows the session first: the list, or the answer to `load`. */
  openLog({ agent_id, seq }: SessionSummary): void {
    if (this.log || this.#stop.signal.aborted) return
    const log = new SessionLog(agent_id, this.sessionId)
    log.onRows((rows) => {
      receipts.fromRows(rows)
      this.acts.fromRows(rows)
    })
    log.open(seq)
    this.log = log
  }
}
