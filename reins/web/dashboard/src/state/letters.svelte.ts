/** Dead letters that wait, by topic and subscriber: read now and then, and often while somebody looks. */

import { api, asProblem, isAbort, type ApiProblem } from '../net/api'
import { connection } from '../net/connection.svelte'
import type { LetterCause } from '../net/wire'

const EVERY_MS = 10_000
const WATCHED_EVERY_MS = 2_000
/** What is shown comes first. */
const FIRST_AFTER_MS = 2_000

export const letterCauseId = ({ topic, session_id }: Pick<LetterCause, 'topic' | 'session_id'>): string => JSON.stringify([topic, session_id])

class Letters {
  causes = $state.raw<LetterCause[]>([])
  problem = $state.raw<ApiProblem | null>(null)
  loaded = $state(false)
  readonly #byTopic = $derived(Map.groupBy(this.causes, ({ topic }) => topic))
  #watchers = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading: AbortController | null = null

  start(): void {
    this.#timer = setTimeout(() => void this.read(), FIRST_AFTER_MS)
    document.addEventListener('visibilitychange', () => !document.hidden && void this.read())
  }

  /** Reads often until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1
    void this.read()
    return () => (this.#watchers -= 1)
  }

  /** How many of a topic wait. */
  waiting(topic: string): number {
    return this.#byTopic.get(topic)?.reduce((total, { count }) => total + count, 0) ?? 0
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    this.#reading?.abort()
    const reading = (this.#reading = new AbortController())
    try {
      if (!document.hidden && (connection.up || !this.loaded)) {
        this.causes = await api.letterCauses(reading.signal)
        this.problem = null
        this.loaded = true
      }
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.read(), this.#watchers > 0 ? WATCHED_EVERY_MS : EVERY_MS)
  }
}

export const letters = new Letters()
