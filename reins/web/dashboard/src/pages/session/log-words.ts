/** The separator between two rows of a log, and the rows that say nothing new. */

import { dayOf, formatSpan, minuteOf } from '../../ui/time.svelte'
import { wordsOf } from '../../steering/guidance-words'
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

const MOST_SAID = 160

/** A row in a sentence, for who hears it. */
export function rowWords(row: LogRow | undefined, seq: number, notes: number): string {
  if (!row) return `Row ${seq}, being read`
  const by = typeof row.payload?.['actor'] === 'string' ? ` by ${row.payload['actor']}` : ''
  const guidance = row.kind === 'guidance' ? wordsOf(row.payload?.['guidance']) : ''
  const text = [guidance, row.text, row.error].filter(Boolean).join('; ')
  const noted = notes > 0 ? `, ${notes} ${notes === 1 ? 'note' : 'notes'}` : ''
  return `Row ${seq}, ${row.kind}${by}${noted}: ${text.length > MOST_SAID ? `${text.slice(0, MOST_SAID)}…` : text}`
}
