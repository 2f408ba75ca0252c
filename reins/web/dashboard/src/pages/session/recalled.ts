/** What a row of the log tells of the memories that its thought was told. */

import type { Json, JsonObject, LogRow } from '../../net/wire'

export interface Recalled {
  by: string
  note: string | null
  left: number
  budget: number
  memories: Json[]
}

export interface RecalledMemory {
  key: string
  scope: string
  line: string
  bytes: number
  score: number | null
  by: Json
  cue: string
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)

/** That of the row; of a call that was announced its announcement tells it, in the row before. */
export function recalledIn(row: LogRow | undefined, before: LogRow | undefined): Recalled | null {
  const found = row?.payload?.['recalled'] ?? (row?.kind === 'tick' && before?.kind === 'intent' ? before.payload?.['recalled'] : undefined)
  if (!isObject(found)) return null
  const memories = found['memories']
  return { by: text(found['by']), note: text(found['note']) || null, left: number(found['left']), budget: number(found['budget_bytes']), memories: Array.isArray(memories) ? memories : [] }
}

const encoder = new TextEncoder()

export function memoriesIn(recalled: Recalled): RecalledMemory[] {
  return recalled.memories.filter(isObject).map((each) => {
    const score = each['score']
    const line = text(each['line'])
    return { key: text(each['key']), scope: text(each['scope']), line, bytes: encoder.encode(line).length, score: typeof score === 'number' ? score : null, by: each['by'] ?? [], cue: text(each['cue']) }
  })
}
