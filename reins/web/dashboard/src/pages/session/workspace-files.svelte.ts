/** The files of a session's workspace: one place of it at a time, read again while the session goes on. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { connection } from '../../net/connection.svelte'
import type { FileView } from '../../net/wire'

const NONE = 404

export class WorkspaceFiles {
  view = $state.raw<FileView | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** There is no workspace yet, or nothing at this place. */
  isNone = $state(false)
  #stop = new AbortController()
  #asked = 0

  constructor(readonly sessionId: string) {}

  /** The newest question alone is answered: what was asked before it may come later. */
  async read(path: string): Promise<void> {
    void connection.returns
    const number = ++this.#asked
    try {
      const view = await api.files(this.sessionId, path, this.#stop.signal)
      if (number !== this.#asked) return
      this.view = view
      this.problem = null
      this.isNone = false
    } catch (error) {
      if (isAbort(error) || number !== this.#asked) return
      const problem = asProblem(error)
      this.isNone = problem.status === NONE
      this.problem = problem
      this.view = null
    }
  }

  close(): void {
    this.#stop.abort()
  }
}
