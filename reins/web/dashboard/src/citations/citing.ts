/** The citations of texts, looked up in the versions that they name; each text once. */

import { api } from '../net/api'
import { late } from '../net/late'
import type { CheckedCitation } from '../net/wire'

const MOST_TEXTS = 200
const MOST_CHARS = 100_000
const known = new Map<string, Promise<CheckedCitation[]>>()

/** Shows them; few texts have any. */
export const citationsPart = late(() => import('./CheckedCitations.svelte'))

/** True for a text that may cite a document. */
export const cites = (text: string | null | undefined): boolean => text?.includes('[doc_') ?? false

export function checked(text: string): Promise<CheckedCitation[]> {
  const asked = text.slice(0, MOST_CHARS)
  let found = known.get(asked)
  if (!found) {
    found = api.checkCitations(asked)
    known.set(asked, found)
    found.catch(() => known.delete(asked))
    const [oldest] = known.keys()
    if (known.size > MOST_TEXTS && oldest !== undefined) known.delete(oldest)
  }
  return found
}
