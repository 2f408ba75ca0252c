/** The agent types of the server, read when somebody needs them. */

import { api, asProblem, type ApiProblem } from '../net/api'
import type { AgentType } from '../net/wire'

const AGAIN_AFTER_MS = 3000

class AgentTypes {
  /** Null until they were read; what was read stays while a later reading goes on. */
  all = $state.raw<AgentType[] | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  #reading: Promise<void> | null = null
  #readers = 0

  /** Reads them, and again where that failed, until the returned function is called. */
  watch(): () => void {
    this.#readers += 1
    void this.load()
    return () => (this.#readers -= 1)
  }

  get(name: string | undefined): AgentType | null {
    return this.all?.find((each) => each.agent_type === name) ?? null
  }

  load(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null))
    return this.#reading
  }

  async #read(): Promise<void> {
    try {
      this.all = (await api.agentTypes()).items
      this.problem = null
    } catch (error) {
      this.problem = asProblem(error)
      setTimeout(() => this.#readers > 0 && void this.load(), AGAIN_AFTER_MS)
    }
  }
}

export const agentTypes = new AgentTypes()
