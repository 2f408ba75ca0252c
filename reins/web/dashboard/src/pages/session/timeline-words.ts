/** A row of the strip in words, for the line above it and for those who hear it. */

import { formatClock, formatMs, formatSpan } from '../../ui/time.svelte'
import { beganAt, endedAt } from './timeline'
import { mainArgument, workOf } from '../../tools/calls'
import type { LogRow } from '../../net/wire'

const NOTABLE_WAIT_MS = 1000
const MOST_CHARS = 60

export function wordsOfMark(row: LogRow, before: LogRow | undefined): string {
  const parts = [`#${row.seq} ${row.kind === 'final' ? 'result' : row.kind === 'intent' ? 'think' : row.kind}`, formatClock(row.created_at)]
  if (row.latency_ms !== null) parts.push(`took ${formatMs(row.latency_ms)}`)
  const waited_ms = before ? beganAt(row) - endedAt(before) : 0
  if (waited_ms >= NOTABLE_WAIT_MS) parts.push(`after a wait of ${waited_ms < 60_000 ? formatMs(waited_ms) : formatSpan(waited_ms)}`)
  const work = workOf(row)
  if (work) parts.push(`${work.call.tool} ${mainArgument(work.call.arguments)}`.slice(0, MOST_CHARS))
  const text = row.error ?? row.text
  if (row.kind !== 'tick' && row.kind !== 'intent' && text) parts.push(text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text)
  return parts.join(' · ')
}
