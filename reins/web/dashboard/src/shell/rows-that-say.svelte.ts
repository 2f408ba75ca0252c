/** How many rows say what is typed in the palette: counted once the typing rests. */

import { api } from '../net/api'

const TYPING_MS = 250
const MOST = 50
const LEAST_CHARS = 2

export class RowsThatSay {
  #found = $state.raw<{ words: string; count: number } | null>(null)

  /** Count the rows for a text; the returned function gives it up. */
  want(text: string): () => void {
    const words = text.trim()
    const going = new AbortController()
    const timer = setTimeout(() => void (words.length < LEAST_CHARS || this.#count(words, going.signal)), TYPING_MS)
    return () => {
      clearTimeout(timer)
      going.abort()
    }
  }

  /** "12 rows say “price”"; before they are counted, that one can search for them. */
  told(words: string): string {
    if (this.#found?.words !== words) return `Search what was said for “${words}”`
    const { count } = this.#found
    return count === 0 ? `Search for what means “${words}”` : `${count >= MOST ? `${MOST} rows or more` : `${count} row${count === 1 ? '' : 's'}`} say${count === 1 ? 's' : ''} “${words}”`
  }

  /** A query that is not one, or a server that does not answer, has no count. */
  async #count(words: string, signal: AbortSignal): Promise<void> {
    try {
      const { groups } = await api.search({ q: words, limit: MOST }, signal)
      // What merely means the same does not say it.
      this.#found = { words, count: groups.flatMap(({ hits }) => hits).filter(({ by }) => by.includes('words')).length }
    } catch {
      this.#found = null
    }
  }
}
