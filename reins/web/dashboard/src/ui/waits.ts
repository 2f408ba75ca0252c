/** The words for what a session waits for. */

import type { SessionSummary } from '../net/wire'
import { dayOf, formatClock } from './time.svelte'

const isToday = (iso: string): boolean => new Date(iso).toDateString() === new Date().toDateString()

const FOR: Partial<Record<NonNullable<SessionSummary['waits']>['kind'], string>> = {
  approval: 'waits for approval',
  question: 'waits for an answer',
  stuck: 'is stuck',
  child: 'waits for another session',
  message: 'waits for a message',
}

/** The word beside the status of a session that needs a person. */
export const asksWord = (waits: SessionSummary['waits']): 'asks' | 'stuck' | '' =>
  waits?.kind === 'approval' || waits?.kind === 'question' ? 'asks' : waits?.kind === 'stuck' ? 'stuck' : ''

/** "waits for approval: write_file src/parse.py"; since when stands elsewhere in the line. */
export const waitsFor = ({ kind, reason }: NonNullable<SessionSummary['waits']>): string => `${FOR[kind] ?? `waits for the ${kind}`}: ${reason}`

/** "waits for the model since 14:03:20", with the day where it is another. */
export function waitsSince({ kind, since }: NonNullable<SessionSummary['waits']>): string {
  const words = FOR[kind] ?? `waits for the ${kind}`
  if (since === null) return words
  return `${words} since ${isToday(since) ? '' : `${dayOf(since)}, `}${formatClock(since)}`
}
