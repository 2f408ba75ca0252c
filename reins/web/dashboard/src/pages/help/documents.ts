/** The documents of docs/, as they were when the page was built: parts of the page, so that they are there without a server. */

import { at } from '../../net/base'
import { late } from '../../net/late'

const FILES = import.meta.glob<string>('../../../../../../docs/*.md', { query: '?raw', import: 'default' })

/** The first ones are what an operator looks for; each title is the document's own. */
const ABOUT: Record<string, string> = {
  'how-to': 'How to do things',
  reference: 'Every setting, helper, action and command',
  glossary: 'What a word means',
  guarantees: 'What is promised, and what is not',
  security: 'Who is kept from what',
  architecture: 'How it is built',
  mcp: 'Assistants that run your agents',
  proofs: 'What suites of others show',
  'migrating-plans': 'Plans that were written for LambdaCat',
}

export interface Document {
  name: string
  about: string
  read: () => Promise<string>
}

const nameOf = (path: string): string => path.replace(/^.*\/|\.md$/g, '')
const rank = ({ name }: Document): number => (Object.keys(ABOUT).indexOf(name) + 1 || Infinity)

export const DOCUMENTS: readonly Document[] = Object.entries(FILES)
  .map(([path, read]): Document => ({ name: nameOf(path), about: ABOUT[nameOf(path)] ?? nameOf(path), read: late(read) }))
  .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))

export const documentPath = (name: string): string => at(`/help/${name}`)

/** Where a link in a document leads; empty where it leads out of the documents. */
export function pathOf(href: string, from: string): string {
  const found = /^(?:([\w-]+)\.md)?(#.*)?$/.exec(href)
  const name = found?.[1] ?? from
  return found && DOCUMENTS.some((each) => each.name === name) ? documentPath(name) + (found[2] ?? '') : ''
}

/** The words of a glossary, each with its meaning: the rows of its first table. */
export function wordsIn(glossary: string): Map<string, string> {
  const rows = [...glossary.matchAll(/^\| ([^|]+?) \| (.+) \|$/gm)]
  return new Map(rows.map(([, word = '', meaning = '']) => [word, meaning.replaceAll('`', '')]))
}
