/** The search of the list, in the grammar of the server: its fields come from there. */

import { vocabulary } from '../../state/vocabulary.svelte'
import type { SearchField, SessionSummary } from '../../net/wire'
import { folded } from '../../ui/match'

type Fits = (session: SessionSummary) => boolean
const ALL_FIT: Fits = () => true

/** Says whether a session fits the query. */
export function search(query: string): Fits {
  const terms = [...query.matchAll(termOf(vocabulary.searchFields))].flatMap((found) => {
    const [, sign = '', name, quoted, word] = found
    return term(sign !== '', name?.toLowerCase(), quoted, word) ?? []
  })
  return terms.length === 0 ? ALL_FIT : (session) => terms.every((fits) => fits(session))
}

/** The field whose value is being typed at the end of the query, and what there is of it. */
export function fieldAtEnd(query: string): { field: SearchField; typed: string } | null {
  const names = vocabulary.searchFields.map(({ name }) => name).join('|')
  const found = new RegExp(`(?:^|\\s)-?(${names}):\\s*([^\\s"]*)$`, 'i').exec(query)
  const field = vocabulary.searchFields.find(({ name }) => name === found?.[1]?.toLowerCase())
  return field ? { field, typed: found?.[2] ?? '' } : null
}

/** A value as it stands in a query. */
export const asValue = (value: string): string => (/[\s",*]/.test(value) ? `"${value.replaceAll('"', '')}"` : value)

const termOf = (fields: readonly SearchField[]): RegExp => {
  const names = fields.map(({ name }) => name).join('|') || '(?!)'
  return new RegExp(`(-?)(?:(${names}):\\s*)?(?:"([^"]*)(?:"|$)|(\\S+))`, 'gi')
}

function term(not: boolean, name: string | undefined, quoted: string | undefined, word = ''): Fits | null {
  const field = vocabulary.searchFields.find((each) => each.name === name)
  // Its value is not typed yet.
  if (!field && word.endsWith(':') && vocabulary.searchFields.some((each) => `${each.name}:` === word.toLowerCase())) return null
  const wanted = quoted !== undefined ? [quoted] : field ? word.split(',') : [word]
  const tests = wanted.filter(Boolean).map((each) => test(field?.whole === true, folded(each)))
  if (tests.length === 0) return null
  const columns = (field?.columns ?? vocabulary.namesColumns) as (keyof SessionSummary)[]
  return (session) => {
    const values = columns.flatMap((column) => (session[column] ? folded(String(session[column])) : []))
    return tests.some((each) => values.some(each)) !== not
  }
}

function test(whole: boolean, wanted: string): (value: string) => boolean {
  if (!whole) return (value) => value.includes(wanted)
  // Part by part: a pattern with many stars could take for ever.
  const [first = '', ...rest] = wanted.split('*')
  const last = rest.pop()
  if (last === undefined) return (value) => value === wanted
  return (value) => {
    let at = value.startsWith(first) ? first.length : -1
    for (const part of rest) {
      const found = at < 0 ? -1 : value.indexOf(part, at)
      at = found < 0 ? -1 : found + part.length
    }
    return at >= 0 && value.length - last.length >= at && value.endsWith(last)
  }
}
