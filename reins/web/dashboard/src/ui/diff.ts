/** The changes from one JSON value to the next, by structure. */

import type { Json, JsonObject } from '../net/wire'

export interface Change {
  /** "agent.told[2]"; of list entries that left, their place before. */
  path: string
  kind: 'added' | 'removed' | 'changed'
  before?: Json
  after?: Json
}

/** Beyond this, entries of lists are compared place by place: the table grows with the square. */
const MOST_ALIGNED = 300

export function changesBetween(before: Json, after: Json, path = ''): Change[] {
  if (isObject(before) && isObject(after)) return inObjects(before, after, path)
  if (Array.isArray(before) && Array.isArray(after)) return inLists(before, after, path)
  return isSame(before, after) ? [] : [{ path, kind: 'changed', before, after }]
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSame = (one: Json, other: Json): boolean => one === other || JSON.stringify(one) === JSON.stringify(other)

function inObjects(before: JsonObject, after: JsonObject, path: string): Change[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name): Change[] => {
    const at = path ? `${path}.${name}` : name
    const [old, fresh] = [before[name], after[name]]
    if (old === undefined) return fresh === undefined ? [] : [{ path: at, kind: 'added', after: fresh }]
    if (fresh === undefined) return [{ path: at, kind: 'removed', before: old }]
    return changesBetween(old, fresh, at)
  })
}

/** Entries that stay are found first, so that a list that rolls on shows one that left and one that came. */
function inLists(before: Json[], after: Json[], path: string): Change[] {
  if (before.length > MOST_ALIGNED || after.length > MOST_ALIGNED) return byPlace(before, after, path)
  const [old, fresh] = [before.map((each) => JSON.stringify(each)), after.map((each) => JSON.stringify(each))]
  const longest = commonLengths(old, fresh)
  const changes: Change[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      i += 1
      j += 1
    } else if (i < old.length && (j >= fresh.length || at(longest, i + 1, j) >= at(longest, i, j + 1))) {
      changes.push({ path: `${path}[${i}]`, kind: 'removed', before: before[i++] as Json })
    } else {
      changes.push({ path: `${path}[${j}]`, kind: 'added', after: after[j++] as Json })
    }
  }
  return replaced(changes)
}

const at = (table: number[][], i: number, j: number): number => table[i]?.[j] ?? 0

/** Length of the longest common part of what begins at (i, j). */
function commonLengths(old: string[], fresh: string[]): number[][] {
  const table: number[][] = Array.from({ length: old.length + 1 }, () => [])
  for (let i = old.length - 1; i >= 0; i--) {
    const row = table[i] as number[]
    for (let j = fresh.length - 1; j >= 0; j--) {
      row[j] = old[i] === fresh[j] ? at(table, i + 1, j + 1) + 1 : Math.max(at(table, i + 1, j), at(table, i, j + 1))
    }
  }
  return table
}

/** An entry that left and one that came at the same place is one that changed. */
function replaced(changes: Change[]): Change[] {
  return changes.flatMap((change, index): Change[] => {
    const next = changes[index + 1]
    const previous = changes[index - 1]
    if (change.kind === 'removed' && next?.kind === 'added' && next.path === change.path) {
      return changesBetween(change.before ?? null, next.after ?? null, change.path)
    }
    return change.kind === 'added' && previous?.kind === 'removed' && previous.path === change.path ? [] : [change]
  })
}

function byPlace(before: Json[], after: Json[], path: string): Change[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, index) => index).flatMap((index): Change[] => {
    const at = `${path}[${index}]`
    const [old, fresh] = [before[index], after[index]]
    if (old === undefined) return [{ path: at, kind: 'added', after: fresh }]
    if (fresh === undefined) return [{ path: at, kind: 'removed', before: old }]
    return changesBetween(old, fresh, at)
  })
}
