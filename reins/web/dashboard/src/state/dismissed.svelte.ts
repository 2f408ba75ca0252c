/** Rejected actions that this browser's user has seen and wants no more of. */

import { clock } from '../ui/time.svelte'

const KEY = 'reins.dismissed'
/** They leave Attention by themselves after a day; no need to remember them longer than two. */
const KEPT_MS = 2 * 86_400_000

type Times = Record<string, number>

function read(): Times {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return found !== null && typeof found === 'object' && !Array.isArray(found) ? (found as Times) : {}
  } catch {
    return {}
  }
}

class Dismissed {
  #at = $state.raw<Times>(read())

  constructor() {
    // Another tab of this browser.
    addEventListener('storage', (event) => event.key === KEY && (this.#at = read()))
  }

  has(actionId: string): boolean {
    return actionId in this.#at
  }

  add(actionIds: string[]): void {
    const now = clock.exact()
    const kept = Object.entries(read()).filter(([, at]) => now - at < KEPT_MS)
    this.#write({ ...Object.fromEntries(kept), ...Object.fromEntries(actionIds.map((id) => [id, now])) })
  }

  remove(actionIds: string[]): void {
    this.#write(Object.fromEntries(Object.entries(read()).filter(([id]) => !actionIds.includes(id))))
  }

  #write(times: Times): void {
    this.#at = times
    localStorage.setItem(KEY, JSON.stringify(times))
  }
}

export const dismissed = new Dismissed()
