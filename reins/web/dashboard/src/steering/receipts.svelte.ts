/** The receipts of this page's acts: queued, then applied at a seq or rejected with the reason. */

import { api } from '../net/api'
import { joinQueue } from '../net/socket'
import type { Accepted, ActionRow, LogRow, Outcome } from '../net/wire'

export interface Receipt {
  action_id: string
  agent_id: string | null
  session_id: string | null
  /** The act in few words: "pause", "now about dogs". */
  what: string
  sent_at: string
  outcome: Outcome
  applied_seq: number | null
  error: string | null
  /** What guidance has changed, as the log says it; null while that is not known. */
  understood: string | null
  canUndo: boolean
}

const KEPT = 6000
const ASK_AFTER_MS = 2500
const ROW_WITHIN_MS = 400
/** So few are asked for one by one; more of them through the list. */
const ASKED_SINGLY = 5

class Receipts {
  #byId = new Map<string, Receipt>()
  #queued = new Set<string>()
  #version = $state(0)
  #leaveQueue: (() => void) | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Notes acts that the server has accepted. */
  track(accepted: Accepted[], what: string): void {
    const sent_at = new Date().toISOString()
    for (const { action_id, agent_id, session_id } of accepted) {
      // The same act sent again has the same id, and may have its outcome already.
      if (this.#byId.has(action_id)) continue
      const receipt: Receipt = { action_id, agent_id, session_id, what, sent_at, outcome: 'queued', applied_seq: null, error: null, understood: null, canUndo: false }
      this.#byId.set(action_id, receipt)
      this.#queued.add(action_id)
    }
    this.#forget()
    this.#changed()
    this.#watch()
  }

  get(actionId: string): Receipt | undefined {
    void this.#version
    return this.#byId.get(actionId)
  }

  /** Of one session, newest first. */
  of(sessionId: string): Receipt[] {
    void this.#version
    return [...this.#byId.values()].filter((each) => each.session_id === sessionId).reverse()
  }

  /** The log tells sooner than anything else what was applied. */
  fromRows(rows: LogRow[]): void {
    for (const row of rows) {
      for (const actionId of row.applied_actions) {
        this.#settle(actionId, 'applied', row.seq, null)
        if (row.kind === 'guidance') this.#understand(actionId, row.text, row.payload?.['undo'] !== undefined)
      }
    }
  }

  fromActions(actions: ActionRow[]): void {
    for (const { action_id, outcome, applied_seq, error } of actions) {
      if (outcome !== 'queued') this.#settle(action_id, outcome, applied_seq, error)
    }
  }

  #settle(actionId: string, outcome: Outcome, seq: number | null, error: string | null): void {
    const receipt = this.#byId.get(actionId)
    if (!receipt) return
    if (receipt.outcome === outcome && receipt.applied_seq === (seq ?? receipt.applied_seq)) return
    this.#byId.set(actionId, { ...receipt, outcome, applied_seq: seq ?? receipt.applied_seq, error })
    this.#queued.delete(actionId)
    this.#changed()
    if (outcome === 'applied' && receipt.understood === null && receipt.what.startsWith('guidance')) void this.#askWhat(actionId)
  }

  #understand(actionId: string, understood: string | null, canUndo: boolean): void {
    const receipt = this.#byId.get(actionId)
    if (!receipt || understood === null || receipt.understood === understood) return
    this.#byId.set(actionId, { ...receipt, understood, canUndo })
    this.#changed()
  }

  /** Where no log is open that would tell. */
  async #askWhat(actionId: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ROW_WITHIN_MS))
    if (this.#byId.get(actionId)?.understood !== null) return
    try {
      const { understood, can_undo } = await api.action(actionId)
      this.#understand(actionId, understood, can_undo)
    } catch {
      // The chip says that it was applied, and the log what that was.
    }
  }

  #changed(): void {
    this.#version += 1
  }

  /** Listens as long as something is queued; asks, too, in case the event was missed. */
  #watch(): void {
    if (this.#queued.size === 0) {
      this.#leaveQueue?.()
      this.#leaveQueue = null
      this.#timer = undefined
      return
    }
    this.#leaveQueue ??= joinQueue({ event: ({ changed }) => this.fromActions(changed) })
    this.#timer ??= setTimeout(() => void this.#ask(), ASK_AFTER_MS)
  }

  async #ask(): Promise<void> {
    try {
      if (this.#queued.size > ASKED_SINGLY) this.fromActions((await api.actions({ limit: 1000 })).items)
      for (const actionId of [...this.#queued].slice(0, ASKED_SINGLY)) this.fromActions([await api.action(actionId)])
    } catch {
      // Whatever it was, the next round asks again; the connection strip says what is wrong.
    }
    this.#timer = undefined
    this.#watch()
  }

  #forget(): void {
    for (const actionId of this.#byId.keys()) {
      if (this.#byId.size <= KEPT) return
      this.#byId.delete(actionId)
      this.#queued.delete(actionId)
    }
  }
}

export const receipts = new Receipts()
