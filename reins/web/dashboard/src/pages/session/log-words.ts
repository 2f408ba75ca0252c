/** The separator between two rows of a log, and the rows that say nothing new. */

import { dayOf, formatSpan, minuteOf } from '../../ui/time.svelte'
import type { LogRow } from '../../net/wire'

const LONG_WAIT_MS = 60_000

/** Times come in one notation and one zone, so equal beginnings are equal minutes. */
const minuteKey = (row: LogRow): string => row.created_at.slice(0, 16)

/** "Fri, 21 Nov, 14:03", "14:03", "14:08, 5 min later"; empty within a minute. */
export function separatorOf(row: LogRow, before: LogRow | undefined): string {
  if (!before && row.seq > 1) return ''
  if (before && minuteKey(before) === minuteKey(row)) return ''
  if (!before || dayOf(before.created_at) !== dayOf(row.created_at)) return `${dayOf(row.created_at)}, ${minuteOf(row.created_at)}`
  const waited_ms = Date.parse(row.started_at ?? row.created_at) - Date.parse(before.created_at)
  return waited_ms >= LONG_WAIT_MS ? `${minuteOf(row.created_at)}, ${formatSpan(waited_ms)} later` : minuteOf(row.created_at)
}

/** A row that says the same as the one before it is kept low. */
export const isRepeat = (row: LogRow, before: LogRow | undefined): boolean =>
  before !== undefined &&
  before.kind === row.kind &&
  before.text === row.text &&
  before.error === row.error &&
  before.status === row.status &&
  row.kind !== 'guidance' &&
  row.applied_actions.length === 0
