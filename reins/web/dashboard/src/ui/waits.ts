/** The words for what a session waits for. */

import type { SessionSummary } from '../net/wire'
import { dayOf, formatClock } from './time.svelte'

const isToday = (iso: string): boolean => new Date(iso).toDateString() === new Date().toDateString()

/** "waits for the model since 14:03:20", with the day where it is another. */
export function waitsSince({ kind, since }: NonNullable<SessionSummary['waits']>): string {
  if (since === null) return `waits for the ${kind}`
  return `waits for the ${kind} since ${isToday(since) ? '' : `${dayOf(since)}, `}${formatClock(since)}`
}
