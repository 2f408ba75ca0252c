/** Finds out how a text is best shown. */

import { languageOf } from './highlight'
import type { Json, JsonObject } from '../net/wire'

export type Shape =
  | { as: 'terminal' | 'markdown' | 'code' | 'text' }
  | { as: 'json'; value: Json }
  | { as: 'table'; rows: JsonObject[] }

const MOST_JSON = 200_000
/** What nobody writes by chance: a heading, a fence, a list of several items, a table's rule, a link. */
const MARKDOWN = /^#{1,6} \S|^```|^(?:[-*+]|\d+\.) .+\n(?:[-*+]|\d+\.) |^\|?[ :-]*-{3,}[ :|-]*\|[ :|-]*$|\[[^\]\n]+\]\(https?:/m
const ESCAPE = '\u001b['

/** `wanted` says it where it is known; the end of the file's name does, too. */
export function shapeOf(text: string, nameOrPath: string, wanted?: Shape['as']): Shape {
  if (wanted === 'terminal' || wanted === 'code' || wanted === 'text' || wanted === 'markdown') return { as: wanted }
  if (/\.(md|markdown)$/i.test(nameOrPath) || nameOrPath === 'markdown') return { as: 'markdown' }
  if (text.includes(ESCAPE)) return { as: 'terminal' }
  const value = jsonOf(text)
  if (value !== undefined) return tableOf(value) ?? { as: 'json', value }
  if (languageOf(nameOrPath)) return { as: 'code' }
  if (MARKDOWN.test(text)) return { as: 'markdown' }
  return { as: text.includes('\n') ? 'code' : 'text' }
}

/** Objects and lists alone: a number or a word by itself is a text. */
function jsonOf(text: string): Json | undefined {
  if (text.length > MOST_JSON || !/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function tableOf(value: Json): Shape | null {
  if (!Array.isArray(value) || value.length < 2) return null
  const isRecord = (each: Json): each is JsonObject =>
    typeof each === 'object' && each !== null && !Array.isArray(each) && Object.values(each).every((part) => part === null || typeof part !== 'object')
  return value.every(isRecord) ? { as: 'table', rows: value } : null
}
