/** The calls of models that led to rows of a log: fetched row by row, the newest few kept. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { connection } from '../../net/connection.svelte'
import type { ModelCall } from '../../net/wire'

/** Each may hold a whole prompt. */
const KEPT = 10

/** Calls are written with their row and never change, so a kept answer stays right. */
export class StepCalls {
  #bySeq = new Map<number, ModelCall[]>()
  #wanted = new Set<number>()
  #version = $state(0)
  #stop = new AbortController()
  problem = $state.raw<ApiProblem | null>(null)

  constructor(readonly sessionId: string) {}

  /** Undefined while they are not here. */
  at(seq: number): ModelCall[] | undefined {
    void this.#version
    return this.#bySeq.get(seq)
  }

  /** Fetches them if need be; in an effect, once more where there was no answer. */
  async want(seq: number): Promise<void> {
    void connection.returns
    if (seq < 1 || this.#bySeq.has(seq) || this.#wanted.has(seq)) return
    this.#wanted.add(seq)
    try {
      const { items } = await api.calls(this.sessionId, seq, this.#stop.signal)
      this.#bySeq.set(seq, items)
      for (const oldest of this.#bySeq.keys()) {
        if (this.#bySeq.size <= KEPT) break
        this.#bySeq.delete(oldest)
      }
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    } finally {
      this.#wanted.delete(seq)
      this.#version += 1
    }
  }

  close(): void {
    this.#stop.abort()
  }
}
