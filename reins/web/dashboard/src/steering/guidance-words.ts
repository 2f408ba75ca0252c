/** Guidance in few words. */

import type { Json } from '../net/wire'

/** A text as it is, fields as "subject: dogs", guidance of a named type as "set tone: noir". */
export function wordsOf(guidance: Json | undefined): string {
  if (guidance === null || guidance === undefined) return ''
  if (typeof guidance === 'string') return guidance
  if (typeof guidance !== 'object' || Array.isArray(guidance)) return JSON.stringify(guidance)
  const { type, ...fields } = guidance
  if (typeof type !== 'string') return Object.entries(guidance).map(pairOf).join(', ')
  const values = Object.entries(fields)
  const rest = values.length === 1 ? textOf(values[0]?.[1]) : values.map(pairOf).join(', ')
  return [type.replaceAll('_', ' '), rest].filter(Boolean).join(': ')
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value))
const pairOf = ([name, value]: [string, Json]): string => `${name}: ${textOf(value)}`
