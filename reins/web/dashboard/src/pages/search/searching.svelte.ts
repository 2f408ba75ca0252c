/** The answer to what is typed: asked for once the typing rests, and kept until the next one is here. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { SearchAnswer } from '../../net/wire'

const TYPING_MS = 180

export interface Asked {
  q: string
  like: string
  limit: number
}

export class Searching {
  answer = $state.raw<SearchAnswer | null>(null)
  /** What the answer is to. */
  asked = $state.raw<Asked | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  busy = $state(false)
  #timer: ReturnType<typeof setTimeout> | undefined
  #going: AbortController | null = null

  /** An empty question has no answer. */
  want(asked: Asked): void {
    clearTimeout(this.#timer)
    this.#going?.abort()
    if (!asked.q.trim() && !asked.like) {
      this.answer = this.asked = this.problem = null
      this.busy = false
      return
    }
    this.busy = true
    this.#timer = setTimeout(() => void this.ask(asked), this.asked ? TYPING_MS : 0)
  }

  async ask(asked: Asked): Promise<void> {
    const going = (this.#going = new AbortController())
    this.busy = true
    try {
      this.answer = await api.search(asked, going.signal)
      this.asked = asked
      this.problem = null
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
      this.asked ??= asked
    }
    if (going === this.#going) this.busy = false
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#going?.abort()
  }
}
