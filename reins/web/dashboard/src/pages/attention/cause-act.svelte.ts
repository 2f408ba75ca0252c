/** One act on all sessions of a cause, and the proof of what came of it: session by session. */

import { clock } from '../../ui/time.svelte'
import { fleet } from '../../state/fleet.svelte'
import { BulkRequest } from '../sessions/bulk.svelte'
import { chosen } from '../sessions/chosen'
import type { Request } from '../../steering/request.svelte'
import type { BulkItem, SessionSummary, Verb } from '../../net/wire'

/** A session that is let go leaves its hold a moment after the limit was raised. */
const RELEASED_WITHIN_MS = 1500

export interface Fate {
  session_id: string
  /** null: not known yet. */
  good: boolean | null
  words: string
}

export type ActName = 'Resume' | 'Pause' | 'Raise' | 'Give up the tick' | 'Destroy' | 'Undo pause' | 'Undo destroy'
const VERBS: Record<ActName, Verb> = { Resume: 'resume', Pause: 'pause', Raise: 'resume', 'Give up the tick': 'resume', Destroy: 'destroy', 'Undo pause': 'resume', 'Undo destroy': 'restore' }
const GOOD: Record<Verb, string> = { pause: 'paused', destroy: 'ended', resume: 'tick again', restore: 'back' }

export class CauseAct {
  readonly request: BulkRequest
  readonly verb: Verb

  constructor(
    readonly name: ActName,
    readonly sessionIds: string[],
    post?: (request: Request, ids: string[]) => Promise<{ items: BulkItem[] } | null>,
  ) {
    this.verb = VERBS[name]
    this.request = new BulkRequest(this.verb, chosen(sessionIds), '', post)
  }

  readonly fates: Fate[] = $derived.by(() => {
    const receipts = new Map(this.request.receipts.map((each) => [each.session_id, each]))
    const refused = new Map(this.request.rejected.map(({ session_id, why }) => [session_id, why]))
    return this.sessionIds.map((session_id): Fate => {
      const why = refused.get(session_id)
      if (why !== undefined) return { session_id, good: false, words: `refused: ${why}` }
      const receipt = receipts.get(session_id)
      const session = fleet.get(session_id)
      if (receipt?.outcome !== 'applied' || !session || session.seq < (receipt.applied_seq ?? 0)) return { session_id, good: null, words: 'waits' }
      return { session_id, ...this.#fateOf(session, receipt.applied_seq ?? 0) }
    })
  })

  /** "20 tick again", "2 failed again", the good first. */
  readonly counts: { words: string; good: boolean | null; count: number }[] = $derived.by(() => {
    const short = (fate: Fate): string => fate.words.split(':')[0] ?? ''
    const found = [...Map.groupBy(this.fates, short)].map(([words, own]) => ({ words, good: own[0]?.good ?? null, count: own.length }))
    const rank = { true: 0, false: 1, null: 2 }
    return found.sort((a, b) => rank[`${a.good}`] - rank[`${b.good}`])
  })

  /** Those for whom it can be taken back. */
  readonly undoable: string[] = $derived.by(() => {
    if (this.name !== 'Pause' && this.name !== 'Destroy') return []
    const done = this.fates.filter(({ good }) => good).map(({ session_id }) => session_id)
    return this.name === 'Pause' ? done : done.filter((id) => this.request.undoable.includes(id))
  })

  readonly settled: boolean = $derived(this.fates.every(({ good }) => good !== null))

  #fateOf(session: SessionSummary, appliedSeq: number): Omit<Fate, 'session_id'> {
    const good = { good: true, words: GOOD[this.verb] }
    const waits = { good: null, words: 'not yet' }
    const { mood, status } = session
    if (this.verb === 'pause') return status === 'paused' ? good : status === 'pausing' ? waits : { good: false, words: `go on (${mood})` }
    if (this.verb === 'destroy') return status === 'stopped' ? good : status === 'stopping' ? waits : { good: false, words: `back (${mood})` }
    if (this.verb === 'restore') return status === 'stopped' || status === 'stopping' ? waits : good
    const isHere = clock.now - Date.parse(session.updated_at) < RELEASED_WITHIN_MS
    if (mood === 'resumed' || (mood === 'held' && isHere) || (mood !== 'held' && session.seq <= appliedSeq)) return waits
    if (mood === 'well' || mood === 'asking' || mood === 'done') return good
    return { good: false, words: { failing: `failed again: ${session.error ?? ''}`, hanging: 'hang again', held: `still held: ${session.held?.text ?? ''}`, stuck: 'stuck again', paused: 'paused since' }[mood] }
  }
}
