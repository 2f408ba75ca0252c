/** The name under which this browser's acts are recorded. */

const KEY = 'reins.actor'
const DEFAULT = 'you'
const MAX_CHARS = 256

class Actor {
  #name = $state(localStorage.getItem(KEY) ?? DEFAULT)

  get name(): string {
    return this.#name
  }

  set name(name: string) {
    this.#name = name.trim().slice(0, MAX_CHARS) || DEFAULT
    localStorage.setItem(KEY, this.#name)
  }
}

export const actor = new Actor()
