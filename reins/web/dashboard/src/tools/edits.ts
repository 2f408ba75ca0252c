/** The lines that a call of an editing tool changes, as far as its arguments say. */

import { diffOf, readDiff, type Diff } from '../ui/line-diff'
import type { Json, JsonObject } from '../net/wire'

const PAIRS: [string, string][] = [
  ['old', 'new'],
  ['old_text', 'new_text'],
  ['before', 'after'],
]

export function diffOfCall(tool: string, args: JsonObject): Diff | null {
  for (const [old, fresh] of PAIRS) {
    const [before, after] = [args[old], args[fresh]]
    if (typeof before === 'string' && typeof after === 'string') return diffOf(before, after)
  }
  return tool.startsWith('write_') && typeof args['content'] === 'string' ? diffOf(null, args['content']) : null
}

/** The preview of an item: a diff as text, as two texts, or as a list of lines. */
export function diffOfPreview(preview: JsonObject): Diff | null {
  const given: Json | undefined = preview['diff'] ?? preview['text']
  if (preview['kind'] !== 'diff') return null
  if (typeof given === 'string') return readDiff(given)
  const [before, after] = [preview['before'] ?? preview['old'] ?? null, preview['after'] ?? preview['new'] ?? null]
  const isText = (value: Json): value is string | null => value === null || typeof value === 'string'
  return isText(before) && isText(after) ? diffOf(before, after) : null
}
