/** The tree of a session as the server tells it, read again when something of it has changed. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { Tree } from '../../net/wire'

export class TreeReading {
  tree = $state.raw<Tree | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  #stop = new AbortController()
  #reading = false

  constructor(readonly sessionId: string) {}

  async read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      this.tree = await api.sessionTree(this.sessionId, this.#stop.signal)
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    } finally {
      this.#reading = false
    }
  }

  close(): void {
    this.#stop.abort()
  }
}
