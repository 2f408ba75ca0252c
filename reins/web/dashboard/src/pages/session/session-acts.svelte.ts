/** The actions on one session, by anybody, and their outcomes. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { wordsOf } from '../../steering/guidance-words'
import { actWord } from '../../steering/words'
import { receipts, type Receipt } from '../../steering/receipts.svelte'
import { joinQueue } from '../../net/socket'
import type { ActionRow, LogRow, Outcome } from '../../net/wire'

interface Act {
  action_id: string
  /** "guidance", "pause", "resume", "destroy", "create". */
  verb: string
  /** In few words: the guidance itself, or the reason. */
  what: string
  mode: string
  actor: string
  created_at: string
  outcome: Outcome
  applied_seq: number | null
  error: string | null
  latency_ms: number | null
  understood: string | null
  canUndo: boolean
  row: ActionRow | null
}

const PAGE = 100
const KEPT = 2000

export class SessionActs {
  #byId = new Map<string, ActionRow>()
  #version = $state(0)
  #cursor: string | null = null
  #leave: () => void
  #stop = new AbortController()
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  hasOlder = $state(false)

  constructor(readonly sessionId: string) {
    this.#leave = joinQueue({
      joined: () => void this.load(),
      event: ({ changed }) => this.#put(changed.filter((each) => each.session_id === sessionId)),
      head: () => void this.load(),
      poll: () => this.load(),
    })
    void this.load()
  }

  close(): void {
    this.#leave()
    this.#stop.abort()
  }

  load(): Promise<void> {
    return this.#read(null)
  }

  older(): Promise<void> {
    return this.#read(this.#cursor)
  }

  /** Newest first; with those that this page has sent and the server has not shown yet. */
  readonly list: Act[] = $derived.by(() => {
    void this.#version
    const sent = receipts.of(this.sessionId)
    const unseen = sent.filter(({ action_id }) => !this.#byId.has(action_id)).map(ofReceipt)
    const seen = [...this.#byId.values()].map((row) => ofRow(row, receipts.get(row.action_id)))
    return [...unseen, ...seen].sort((one, other) => (one.created_at < other.created_at ? 1 : -1))
  })

  /** Sent from this page since it was opened. */
  isOfThisPage(act: Act): boolean {
    return receipts.get(act.action_id) !== undefined
  }

  /** The log shows sooner than the queue what was applied. */
  fromRows(rows: LogRow[]): void {
    for (const row of rows) {
      for (const actionId of row.applied_actions) {
        const known = this.#byId.get(actionId)
        if (known?.outcome !== 'queued') continue
        this.#put([{ ...known, outcome: 'applied', applied_seq: row.seq }])
      }
    }
  }

  async #read(cursor: string | null): Promise<void> {
    try {
      const page = await api.actions({ session_id: this.sessionId, limit: PAGE, cursor }, this.#stop.signal)
      this.#put(page.items)
      if (cursor !== null || !this.loaded) this.#cursor = page.next_cursor
      this.hasOlder = this.#cursor !== null && this.#byId.size < KEPT
      this.loaded = true
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
  }

  #put(rows: ActionRow[]): void {
    if (rows.length === 0) return
    for (const row of rows) {
      // What is settled does not become queued again, whichever answer comes last.
      if (row.outcome === 'queued' && this.#byId.get(row.action_id)) continue
      this.#byId.set(row.action_id, row)
    }
    if (this.#byId.size > KEPT) this.#forgetOldest()
    receipts.fromActions(rows)
    this.#version += 1
  }

  #forgetOldest(): void {
    const newestFirst = [...this.#byId.values()].sort((one, other) => (one.created_at < other.created_at ? 1 : -1))
    for (const { action_id } of newestFirst.slice(KEPT)) this.#byId.delete(action_id)
  }
}

function ofRow(row: ActionRow, receipt: Receipt | undefined): Act {
  const settled = row.outcome === 'queued' && receipt && receipt.outcome !== 'queued' ? receipt : row
  const payload = typeof row.payload === 'object' && row.payload !== null && !Array.isArray(row.payload) ? row.payload : {}
  return {
    action_id: row.action_id,
    verb: actWord(row.type).toLowerCase(),
    what: wordsOf(payload['guidance'] ?? payload['reason'] ?? row.description),
    mode: String(payload['mode'] ?? ''),
    actor: row.actor ?? '',
    created_at: row.created_at,
    outcome: settled.outcome,
    applied_seq: settled.applied_seq ?? row.applied_seq,
    error: settled.error ?? row.error,
    latency_ms: row.latency_ms,
    understood: receipt?.understood ?? null,
    canUndo: receipt?.canUndo ?? false,
    row,
  }
}

/** Acts of this page are noted as "guidance: now about dogs". */
function ofReceipt(receipt: Receipt): Act {
  const [verb = '', ...rest] = receipt.what.split(': ')
  const { action_id, outcome, applied_seq, error, sent_at, understood, canUndo } = receipt
  return {
    action_id,
    verb,
    what: rest.join(': '),
    mode: '',
    actor: '',
    created_at: sent_at,
    outcome,
    applied_seq,
    error,
    latency_ms: null,
    understood,
    canUndo,
    row: null,
  }
}
