/** The documents, read again every few seconds as long as the page is open, and after each act. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { DocumentFolder, DocumentRow } from '../../net/wire'

const EVERY_MS = 3_000

export class Documents {
  rows = $state.raw<DocumentRow[]>([])
  /** Those whose files are documents. */
  folders = $state.raw<DocumentFolder[]>([])
  /** There are more than were asked for. */
  more = $state(false)
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      if (!document.hidden || !this.loaded) {
        const { items, next_cursor, folders } = await api.documents(this.#stop.signal)
        this.rows = items
        this.folders = folders
        this.more = next_cursor !== null
        this.problem = null
        this.loaded = true
      }
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
    }
    clearTimeout(this.#timer)
    if (!this.#stop.signal.aborted) this.#timer = setTimeout(() => void this.read(), EVERY_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
  }
}
