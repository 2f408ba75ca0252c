/** The name under which this browser's acts go on record: asked for at the first act, and kept. */

import { vocabulary } from '../state/vocabulary.svelte'

const KEY = 'reins.actor'
const MAX_CHARS = 256

class Actor {
  #name = $state(localStorage.getItem(KEY) ?? '')
  #waiting: ((name: string | null) => void) | null = null
  /** The form that asks for it is open. */
  asking = $state(false)

  /** Empty until somebody has given one. */
  get name(): string {
    return vocabulary.isReserved(this.#name) ? '' : this.#name
  }

  /** An act waits for the answer; without one the name is only to be changed. */
  get isNeeded(): boolean {
    return this.asking && this.#waiting !== null
  }

  /**
   * The name, asked for where there is none; null where it was refused. While one act waits for it, no
   * second one does.
   */
  async named(): Promise<string | null> {
    if (this.name) return this.name
    if (this.#waiting) return null
    this.asking = true
    return new Promise((resolve) => (this.#waiting = resolve))
  }

  give(name: string): void {
    this.#name = name.trim().slice(0, MAX_CHARS)
    localStorage.setItem(KEY, this.#name)
    this.#settle(this.name || null)
  }

  refuse(): void {
    this.#settle(null)
  }

  #settle(name: string | null): void {
    this.asking = false
    this.#waiting?.(name)
    this.#waiting = null
  }
}

export const actor = new Actor()
