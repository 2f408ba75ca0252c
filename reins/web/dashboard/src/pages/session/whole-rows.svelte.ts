/** Rows of the log in full, with their snapshots: fetched one by one, the newest few kept. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { connection } from '../../net/connection.svelte'
import type { LogRow } from '../../net/wire'

const KEPT = 40

/** A row of the log never changes, so whatever is here is right. */
export class WholeRows {
  #rows = new Map<number, LogRow>()
  #wanted = new Map<number, Promise<void>>()
  #version = $state(0)
  #stop = new AbortController()
  problem = $state.raw<ApiProblem | null>(null)

  constructor(readonly sessionId: string) {}

  /** The row; undefined while it is not here. */
  at(seq: number): LogRow | undefined {
    void this.#version
    return this.#rows.get(seq)
  }

  /** Fetches the row if need be; in an effect, once more where there was no answer. */
  want(seq: number): Promise<void> {
    void connection.returns
    if (seq < 1 || this.#rows.has(seq)) return Promise.resolve()
    const asked = this.#wanted.get(seq) ?? this.#fetch(seq).finally(() => this.#wanted.delete(seq))
    this.#wanted.set(seq, asked)
    return asked
  }

  close(): void {
    this.#stop.abort()
  }

  async #fetch(seq: number): Promise<void> {
    try {
      const row = await api.step(this.sessionId, seq, this.#stop.signal)
      this.#rows.set(seq, row)
      for (const oldest of this.#rows.keys()) {
        if (this.#rows.size <= KEPT) break
        this.#rows.delete(oldest)
      }
      this.problem = null
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
    }
    this.#version += 1
  }
}
