/** What a session believes and remembers as the server tells it, now or at a row of its log. */

import { api, asProblem, isAbort, type ApiProblem } from '../../../net/api'
import type { Belief, Memory } from '../../../net/wire'

const AGAIN_AFTER_MS = 700

export class MindReading {
  beliefs = $state.raw<Belief[] | null>(null)
  memories = $state.raw<Memory[]>([])
  problem = $state.raw<ApiProblem | null>(null)
  /** The row at which it was read; null: as it stood then. */
  readAt = $state<number | null>(null)
  #seq: number | null = null
  #reading: AbortController | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly sessionId: string) {}

  /** Reads it as it stood at a row, or as it stands now, at once. */
  at(seq: number | null): void {
    this.#seq = seq
    void this.read()
  }

  /** Reads it again, soon; however often it is asked for meanwhile, once. */
  want(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#reading) this.want()
      else void this.read()
    }, AGAIN_AFTER_MS)
  }

  async read(): Promise<void> {
    this.#reading?.abort()
    const stop = (this.#reading = new AbortController())
    const seq = this.#seq
    try {
      const [beliefs, memories] = await Promise.all([api.beliefs(this.sessionId, seq, stop.signal), api.memories(this.sessionId, seq, stop.signal)])
      this.beliefs = beliefs
      this.memories = memories
      this.readAt = seq
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
    if (this.#reading === stop) this.#reading = null
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#reading?.abort()
  }
}
