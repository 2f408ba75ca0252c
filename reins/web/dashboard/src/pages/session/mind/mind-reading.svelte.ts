/** What a session believes and remembers as the server tells it, now or at a row of its log. */

import { api, asProblem, isAbort, type ApiProblem } from '../../../net/api'
import type { Belief, Contradiction, Memory } from '../../../net/wire'

const AGAIN_AFTER_MS = 700

export class MindReading {
  beliefs = $state.raw<Belief[] | null>(null)
  contradictions = $state.raw<Contradiction[]>([])
  memories = $state.raw<Memory[]>([])
  problem = $state.raw<ApiProblem | null>(null)
  /** The row at which it was read; null: as it stood then. */
  readAt = $state<number | null>(null)
  #seq: number | null = null
  #reading: AbortController | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly sessionId: string,
    readonly agentId: string,
  ) {}

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
      const [beliefs, memories] = await Promise.all([api.beliefs(this.sessionId, seq, stop.signal), this.#memories(seq, stop.signal)])
      this.beliefs = beliefs.items
      this.contradictions = beliefs.contradictions
      this.memories = memories
      this.readAt = seq
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
    if (this.#reading === stop) this.#reading = null
  }

  /** Its own; now, also those of its agent and of all, which it recalls, too. */
  async #memories(seq: number | null, signal: AbortSignal): Promise<Memory[]> {
    const own = api.memories({ session_id: this.sessionId, at_seq: seq }, signal)
    if (seq !== null) return own
    const all = await Promise.all([own, api.memories({ agent_id: this.agentId, scope: 'agent' }, signal), api.memories({ scope: 'shared' }, signal)])
    return [...new Map(all.flat().map((each) => [each.memory_id, each])).values()]
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#reading?.abort()
  }
}
