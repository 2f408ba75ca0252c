/** The words of the server: its action types, and which status takes which verb. Read once, at the start. */

import { api } from '../net/api'
import { folded } from '../ui/match'
import type { SearchField, Status, Verb, Vocabulary } from '../net/wire'

const AGAIN_AFTER_MS = 2000

type Rules = Vocabulary['statuses'][number]

class Words {
  #read = $state.raw<Vocabulary | null>(null)
  readonly #rules: ReadonlyMap<Status, Rules> = $derived(new Map(this.#read?.statuses.map((each) => [each.name, each])))

  /** False until the server has answered; until then no status takes any verb. */
  get loaded(): boolean {
    return this.#read !== null
  }

  get actionTypes(): readonly string[] {
    return this.#read?.action_types ?? []
  }

  /** The fields of the search of sessions. */
  get searchFields(): readonly SearchField[] {
    return this.#read?.search_fields ?? []
  }

  /** The fields of the search of everything. */
  get everywhereFields(): readonly { name: string; meaning: string }[] {
    return this.#read?.everywhere_fields ?? []
  }

  /** The columns that a word of a search is looked for in. */
  get namesColumns(): readonly string[] {
    return this.#read?.names_columns ?? ['agent_id', 'session_id', 'agent_type']
  }

  /** So long after a destroy it can be taken back. */
  get restoreWithin_s(): number {
    return this.#read?.restore_within_s ?? 0
  }

  /** True for a name that names nobody to those who read it later. */
  isReserved(name: string): boolean {
    return this.#read?.reserved_names.includes(folded(name).trim()) ?? false
  }

  /** In the order of a session's life. */
  readonly statuses: readonly Status[] = $derived([...this.#rules.keys()])

  /** How a session can be, the most urgent first, each with its meaning. */
  readonly moods: Vocabulary['moods'] = $derived(this.#read?.moods ?? [])

  /** The kinds of causes, the most urgent first, each with its meaning. */
  readonly concerns: Vocabulary['concerns'] = $derived(this.#read?.concerns ?? [])

  /** The place of a status in that order. */
  rankOf(status: Status): number {
    return this.statuses.indexOf(status)
  }

  takes(status: Status, verb: Verb | 'interrupt'): boolean {
    return this.#rules.get(status)?.verbs.includes(verb) ?? false
  }

  /** No tick follows unless somebody asks for one. */
  hasEnded(status: Status): boolean {
    return this.#rules.get(status)?.ended ?? false
  }

  async start(): Promise<void> {
    while (this.#read === null) {
      this.#read = await api.vocabulary().catch(() => null)
      if (this.#read === null) await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
    }
  }
}

export const vocabulary = new Words()
