/** The schedules, read again every few seconds as long as the page is open, and after each act. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { Schedule } from '../../net/wire'

const EVERY_MS = 2_000

export class Schedules {
  rows = $state.raw<Schedule[]>([])
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  get(scheduleId: string): Schedule | undefined {
    return this.rows.find(({ schedule_id }) => schedule_id === scheduleId)
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      if (!document.hidden || !this.loaded) {
        this.rows = await api.schedules(this.#stop.signal)
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

/** It is of an agent's configuration, which sets it; a person pauses or runs it. */
export const isOwn = ({ session_id }: Schedule): boolean => session_id !== null

/** "every 5m", "0 9 * * 1-5 Europe/Berlin". */
export function whenWords({ when, zone }: Pick<Schedule, 'when' | 'zone'>): string {
  const [kind, rest] = partsOf(when)
  return kind === 'every' ? `every ${rest}` : `${rest} ${zone}`
}

/** The kind and what follows it: "every" and "5m". */
export function partsOf(when: string): [kind: 'every' | 'cron', rest: string] {
  const colon = when.indexOf(':')
  return [when.startsWith('cron') ? 'cron' : 'every', when.slice(colon + 1)]
}
