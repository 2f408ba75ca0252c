/** The button that pauses or resumes a session: which of the two it does now, and in which words. */

import { vocabulary } from '../state/vocabulary.svelte'
import type { Status } from '../net/wire'

interface Toggle {
  verb: 'pause' | 'resume'
  word: string
  title: string
}

const PAUSE: Toggle = { verb: 'pause', word: 'Pause', title: 'A tick in flight ends first; no other tick starts until Resume' }
const RESUME: Toggle = { verb: 'resume', word: 'Resume', title: 'The session ticks at once' }
const RUN_AGAIN: Toggle = { verb: 'resume', word: 'Run again', title: 'The session restarts from its last good state' }

/** A session that makes no way is resumed, whatever its status; null where it takes no resume. */
export const helpOn = (status: Status): Toggle | null => (vocabulary.takes(status, 'resume') ? RESUME : null)

/** Null where the status takes neither verb. */
export function toggleOf(status: Status): Toggle | null {
  // A session that is paused takes a pause, too; it would change nothing.
  const isPaused = status === 'paused' || status === 'pausing'
  if (!isPaused && vocabulary.takes(status, 'pause')) return PAUSE
  if (!vocabulary.takes(status, 'resume')) return null
  return isPaused ? RESUME : RUN_AGAIN
}
