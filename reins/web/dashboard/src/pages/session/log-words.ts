/** What stands between two rows of a log, and which rows say nothing new. */

import { formatSpan } from '../../ui/time.svelte'
import type { LogRow } from '../../net/wire'

const LONG_WAIT_MS = 60_000
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' })
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** "Fri, 21 Nov". */
export const dayOf = ({ created_at }: { created_at: string }): string => day.format(new Date(created_at))
/** "14:03". */
export const minuteOf = ({ created_at }: { created_at: string }): string => minute.format(new Date(created_at))

/** Times come in one notation and one zone, so equal beginnings are equal minutes. */
const minuteKey = (row: LogRow): string => row.created_at.slice(0, 16)

/** "Fri, 21 Nov, 14:03", "14:03", "14:08, 5 min later"; empty within a minute. */
export function separatorOf(row: LogRow, before: LogRow | undefined): string {
  if (!before && row.seq > 1) return ''
  if (before && minuteKey(before) === minuteKey(row)) return ''
  if (!before || dayOf(before) !== dayOf(row)) return `${dayOf(row)}, ${minuteOf(row)}`
  const waited_ms = Date.parse(row.started_at ?? row.created_at) - Date.parse(before.created_at)
  return waited_ms >= LONG_WAIT_MS ? `${minuteOf(row)}, ${formatSpan(waited_ms)} later` : minuteOf(row)
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
