/** The name under which this browser's acts go on record: asked for at the first act, and kept. */

import { vocabulary } from '../state/vocabulary.svelte'

const KEY = 'reins.actor'
const MAX_CHARS = 256

class Actor {
  #name = $state(localStorage.getItem(KEY) ?? '')
  #waiting: PromiseWithResolvers<string | null> | null = null
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

  /** The name, asked for once where there is none, by however many acts; null where it was refused. */
  async named(): Promise<string | null> {
    if (this.name) return this.name
    this.#waiting ??= Promise.withResolvers()
    this.asking = true
    return this.#waiting.promise
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
    this.#waiting?.resolve(name)
    this.#waiting = null
  }
}

export const actor = new Actor()
