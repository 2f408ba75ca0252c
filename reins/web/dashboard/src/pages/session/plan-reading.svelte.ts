/** The plan of a session as the server tells it, read again when something of it has changed. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { Plan } from '../../net/wire'

const AGAIN_AFTER_MS = 400
/** A long log takes the server a while: the greater part of the time it is not asked. */
const REST = 4
/** A row is there a moment before the tasks that it lets begin. */
const LOOKS = 3

export class PlanReading {
  plan = $state.raw<Plan | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading = false
  #stale = false
  #took_ms = 0
  #looks = 0

  constructor(readonly sessionId: string) {}

  /** Reads it again, soon; however often it is asked for meanwhile, once. */
  want(): void {
    this.#looks = 0
    this.#ask()
  }

  #ask(): void {
    this.#stale = true
    if (this.#reading || this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.read(), Math.max(AGAIN_AFTER_MS, REST * this.#took_ms))
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stale = false
    if (this.#reading) return this.#ask()
    this.#reading = true
    const began = performance.now()
    try {
      this.plan = await api.sessionPlan(this.sessionId, this.#stop.signal)
      this.problem = null
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
    } finally {
      this.#reading = false
    }
    this.#took_ms = performance.now() - began
    const toBegin = this.plan?.live.some(({ running }) => !running) ?? false
    if (this.#stale || (toBegin && this.#looks++ < LOOKS)) this.#ask()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
  }
}
