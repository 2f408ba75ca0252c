/** Finds the next guidance or error of a log, also where its rows are not loaded. */

import { api } from '../../net/api'
import type { SessionLog } from './log.svelte'
import type { LogRow } from '../../net/wire'

const PAGE = 1000
const MOST_PAGES = 20

const isLandmark = ({ kind }: LogRow): boolean => kind === 'guidance' || kind === 'error'

/** The nearest one after (1) or before (-1) that row; null if there is none within reach. */
export async function nextLandmark(log: SessionLog, from: number, step: 1 | -1, signal: AbortSignal): Promise<number | null> {
  let seq = from + step
  for (let row = log.rowAt(seq); row; row = log.rowAt(seq)) {
    if (isLandmark(row)) return seq
    seq += step
  }
  for (let pages = 0; pages < MOST_PAGES && seq >= 1 && seq <= log.head; pages++) {
    const after_seq = step === 1 ? seq - 1 : Math.max(0, seq - PAGE)
    const limit = step === 1 ? PAGE : seq - after_seq
    const { items } = await api.steps(log.sessionId, { after_seq, limit, brief: true }, signal)
    const found = step === 1 ? items.find(isLandmark) : items.findLast(isLandmark)
    if (found) return found.seq
    if (items.length === 0) return null
    seq = step === 1 ? (items.at(-1)?.seq ?? seq) + 1 : after_seq
  }
  return null
}
