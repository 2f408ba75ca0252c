/** An answer that is asked for again every few seconds, as long as somebody looks. */

import { untrack } from 'svelte'
import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { connection } from '../../net/connection.svelte'

const EVERY_MS = 5_000
type Read<Answer> = (from: typeof api, signal: AbortSignal) => Promise<Answer>

export class Looked<Answer> {
  answer = $state.raw<Answer | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  #read: Read<Answer> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #going: AbortController | null = null

  /** Asks from now on; the last answer stays until there is another. */
  look(read: Read<Answer>): void {
    this.#read = read
    void this.again()
  }

  async again(): Promise<void> {
    clearTimeout(this.#timer)
    this.#going?.abort()
    const going = (this.#going = new AbortController())
    try {
      if (this.#read && (untrack(() => this.answer === null) || (!document.hidden && untrack(() => connection.up)))) {
        this.answer = await this.#read(api, going.signal)
        this.problem = null
      }
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
      if (this.problem.status === 404) this.answer = null
    }
    if (going === this.#going) this.#timer = setTimeout(() => void this.again(), EVERY_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#going?.abort()
    this.#read = null
  }
}
