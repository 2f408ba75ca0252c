/** Causes that this browser's user wants to hear of only when they get worse. */

import { vocabulary } from './vocabulary.svelte'
import type { Concern } from '../net/wire'

const KEY = 'reins.snoozed'
/** A cause that has not come back for so long is another one when it does. */
const KEPT_MS = 7 * 86_400_000

interface Snooze {
  kind: string
  count: number
  at: number
}
type Snoozes = Record<string, Snooze>
type Told = Pick<Concern, 'kind' | 'key' | 'count'>

function read(): Snoozes {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return found !== null && typeof found === 'object' && !Array.isArray(found) ? (found as Snoozes) : {}
  } catch {
    return {}
  }
}

class Snoozed {
  #byKey = $state.raw<Snoozes>(read())

  constructor() {
    // Another tab of this browser.
    addEventListener('storage', (event) => event.key === KEY && (this.#byKey = read()))
  }

  /** True until it concerns more sessions than then, or is of a worse kind. */
  has({ kind, key, count }: Told): boolean {
    const then = this.#byKey[key]
    return then !== undefined && count <= then.count && rankOf(kind) >= rankOf(then.kind)
  }

  add({ kind, key, count }: Told): void {
    const now = Date.now()
    const kept = Object.entries(read()).filter(([, { at }]) => now - at < KEPT_MS)
    this.#write({ ...Object.fromEntries(kept), [key]: { kind, count, at: now } })
  }

  remove(key: string): void {
    this.#write(Object.fromEntries(Object.entries(read()).filter(([each]) => each !== key)))
  }

  #write(byKey: Snoozes): void {
    this.#byKey = byKey
    localStorage.setItem(KEY, JSON.stringify(byKey))
  }
}

/** The smaller, the worse. */
const rankOf = (kind: string): number => vocabulary.concerns.findIndex(({ name }) => name === kind)

export const snoozed = new Snoozed()
