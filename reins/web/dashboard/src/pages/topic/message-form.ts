/** A message as it is typed: a text, or JSON. */

import type { Json } from '../../net/wire'

export type Form = 'text' | 'json'

/** The message that the words stand for; `flaw` says why they stand for none. */
export function messageIn(typed: string, form: Form): { message: Json; flaw: string } {
  const text = typed.trim()
  if (text === '') return { message: '', flaw: 'A message is not empty.' }
  if (form === 'text') return { message: text, flaw: '' }
  try {
    const message = JSON.parse(text) as Json
    return message === null || message === '' ? { message, flaw: `${text} is no message; give JSON that holds something.` } : { message, flaw: '' }
  } catch (error) {
    return { message: '', flaw: `This is no JSON: ${error instanceof Error ? error.message : String(error)}. Names and texts need "double quotes"; or send it as text.` }
  }
}

/** True for words that look as if JSON was meant. */
export const looksLikeJson = (typed: string): boolean => /^\s*[[{]/.test(typed) && messageIn(typed, 'json').flaw === ''
