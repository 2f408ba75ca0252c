/** What needs a person, by cause, as the server gathers it: read again when the fleet has changed. */

import { untrack } from 'svelte'
import { api, asProblem, isAbort, type ApiProblem } from '../net/api'
import { fleet } from './fleet.svelte'
import type { Concern } from '../net/wire'

const EVERY_MS = 500

class Concerns {
  #all = $state.raw<Concern[]>([])
  #reading: AbortController | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  /** The most urgent first; those that ask are in the inbox. */
  readonly all: Concern[] = $derived(this.#all.filter(({ kind }) => kind !== 'asking'))

  /** Keeps them up to date for as long as the page that calls it is open. */
  live(): void {
    $effect(() => {
      void fleet.version
      untrack(() => this.#soon())
    })
    $effect(() => () => {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#reading?.abort()
    })
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.read()
    }, this.loaded ? EVERY_MS : 0)
  }

  async read(): Promise<void> {
    this.#reading?.abort()
    const { signal } = (this.#reading = new AbortController())
    try {
      this.#all = await api.attention(signal)
      this.problem = null
      this.loaded = true
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.problem = asProblem(error)
    }
  }
}

export const concerns = new Concerns()
