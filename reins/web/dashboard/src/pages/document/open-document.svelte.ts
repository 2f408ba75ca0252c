/** The document whose page is open: a version, its text as far as it was asked for, who cites it. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { CitedPassage, DocumentRow } from '../../net/wire'

const PART = 50_000
const NOT_FOUND = 404

/** Where a passage stands. Characters are code points, as the API counts them. */
export interface Place {
  version: number
  from: number
  to: number
}

/** "2:120-180"; null where it is none. */
export function placeOf(text: string): Place | null {
  const [, version, from, to] = /^(\d{1,9}):(\d{1,9})-(\d{1,9})$/.exec(text) ?? []
  const place = { version: Number(version), from: Number(from), to: Number(to) }
  return version !== undefined && place.from < place.to ? place : null
}

export class OpenDocument {
  rows = $state.raw<DocumentRow[]>([])
  version = $state(0)
  /** The characters of the text that were read, one each. */
  characters = $state.raw<string[]>([])
  citations = $state.raw<CitedPassage[] | null>(null)
  unknown = $state(false)
  busy = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  #stop = new AbortController()

  readonly newest: DocumentRow | undefined = $derived(this.rows.at(-1))
  readonly versions: DocumentRow[] = $derived(this.rows.filter(({ state }) => state === 'stored'))
  readonly row: DocumentRow | undefined = $derived(this.versions.find(({ version }) => version === this.version))

  constructor(readonly documentId: string) {}

  /** Reads the document, of a version the text up to a character, and who cites it. */
  async load(version: number | null, upto: number): Promise<void> {
    await this.#trying(async (signal) => {
      const { rows } = await api.document(this.documentId, signal)
      const stored = rows.filter(({ state }) => state === 'stored').map((each) => each.version)
      const shown = version !== null && stored.includes(version) ? version : (stored.at(-1) ?? 0)
      this.rows = rows
      if (shown !== this.version) this.characters = []
      this.version = shown
      await this.#read(upto, signal)
      this.citations = await api.citationsOf(this.documentId, signal)
    })
  }

  async more(): Promise<void> {
    await this.#trying((signal) => this.#read(this.characters.length + 1, signal))
  }

  /** Reads part after part until the character is there. */
  async #read(upto: number, signal: AbortSignal): Promise<void> {
    const most = this.row?.chars ?? 0
    while (this.characters.length < Math.min(most, Math.max(1, upto))) {
      const from_char = this.characters.length
      const { text } = await api.documentText(this.documentId, { version: this.version, from_char, to_char: from_char + PART }, signal)
      if (!text) return
      this.characters = [...this.characters, ...text]
    }
  }

  async #trying(read: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.busy = true
    try {
      await read(this.#stop.signal)
      this.problem = null
    } catch (error) {
      if (isAbort(error)) return
      const problem = asProblem(error)
      this.unknown = problem.status === NOT_FOUND
      this.problem = this.unknown ? null : problem
    }
    this.busy = false
  }

  close(): void {
    this.#stop.abort()
  }
}

export interface Part {
  text: string
  from: number
  /** How many cite it; 0 of what nobody does. */
  cited: number
  /** It is the passage that was asked for. */
  asked: boolean
}

/** The text in parts, at the borders of the passages that are cited, or asked for. */
export function partsOf(characters: readonly string[], passages: readonly Place[], asked: Place | null): Part[] {
  const all = asked ? [...passages, asked] : passages
  const borders = new Set([0, characters.length])
  for (const { from, to } of all) for (const border of [from, to]) if (border < characters.length) borders.add(border)
  const places = [...borders].sort((one, other) => one - other)
  return places.slice(0, -1).map((from, index) => {
    const to = places[index + 1] ?? from
    const covers = (place: Place): boolean => place.from <= from && to <= place.to
    return { text: characters.slice(from, to).join(''), from, cited: passages.filter(covers).length, asked: asked !== null && covers(asked) }
  })
}
