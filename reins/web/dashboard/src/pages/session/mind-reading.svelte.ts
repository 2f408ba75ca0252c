/** What a session believes and remembers as the server tells it, read again when it has changed. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { Belief, Memory } from '../../net/wire'

const AGAIN_AFTER_MS = 700

export class MindReading {
  beliefs = $state.raw<Belief[] | null>(null)
  memories = $state.raw<Memory[]>([])
  problem = $state.raw<ApiProblem | null>(null)
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading = false

  constructor(readonly sessionId: string) {}

  /** Reads it again, soon; however often it is asked for meanwhile, once. */
  want(): void {
    this.#timer ??= setTimeout(() => void this.read(), AGAIN_AFTER_MS)
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#reading) return this.want()
    this.#reading = true
    try {
      const [beliefs, memories] = await Promise.all([
        api.beliefs(this.sessionId, this.#stop.signal),
        api.memories(this.sessionId, this.#stop.signal),
      ])
      this.beliefs = beliefs
      this.memories = memories
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    } finally {
      this.#reading = false
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
  }
}
