/** What the rows around one say of it: whether a call has ended, and what became of a question. */

import { workOf } from '../../tools/calls'
import type { LogRow } from '../../net/wire'

type RowAt = (seq: number) => LogRow | undefined

const FAR = 400
const ENDS: readonly LogRow['kind'][] = ['tick', 'error', 'final', 'intent']

/** True once a later row says what the intent came to; false while its call is under way. */
export function isOver(seq: number, head: number, rowAt: RowAt): boolean {
  for (let at = seq + 1; at <= Math.min(head, seq + FAR); at++) {
    const row = rowAt(at)
    // What is not loaded lies far from the end of the log.
    if (!row || ENDS.includes(row.kind)) return true
  }
  return head > seq + FAR
}

/** The earlier row of the same call, which has its thought: its intent, or the row that asked about it. */
export function announcedBy(row: LogRow, rowAt: RowAt): LogRow | undefined {
  const key = workOf(row)?.call.key
  if (!key) return undefined
  for (let at = row.seq - 1; at > Math.max(0, row.seq - FAR); at--) {
    const before = rowAt(at)
    if (!before) return undefined
    if (before.kind !== 'intent' && before.kind !== 'tick') continue
    return workOf(before)?.call.key === key ? before : undefined
  }
  return undefined
}

export interface Verdict {
  decision: string
  by: string
  reason: string
  seq: number
}

const textOf = (row: LogRow, name: string): string => {
  const value = row.payload?.[name]
  return typeof value === 'string' ? value : ''
}

/** The decision on an item that was asked for at this row; undefined while there is none. */
export function verdictOn(itemId: string, seq: number, head: number, rowAt: RowAt): Verdict | undefined {
  for (let at = seq + 1; at <= Math.min(head, seq + FAR); at++) {
    const row = rowAt(at)
    if (!row) return undefined
    if (row.payload?.['item_id'] === itemId && textOf(row, 'decision')) {
      return { decision: textOf(row, 'decision'), by: textOf(row, 'actor') || textOf(row, 'decided_by'), reason: textOf(row, 'reason') || textOf(row, 'text'), seq: row.seq }
    }
    if (row.kind === 'final') return { decision: 'withdraw', by: '', reason: '', seq: row.seq }
  }
  return undefined
}

const PAST: Record<string, string> = {
  approve: 'approved',
  edit: 'approved with other arguments',
  reject: 'rejected',
  answer: 'answered',
  expire: 'expired: nobody decided in time',
  withdraw: 'withdrawn',
}

/** "approved by ann", "rejected by ann: the API stays as it is". */
export function wordsOfVerdict({ decision, by, reason }: Verdict): string {
  const past = PAST[decision] ?? decision
  const who = by && decision !== 'expire' ? ` by ${by}` : ''
  return `${past}${who}${reason && decision !== 'expire' ? `: ${reason}` : ''}`
}
