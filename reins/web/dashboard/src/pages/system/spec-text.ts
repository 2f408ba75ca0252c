/** A tool's spec as text, to be compared and read by a person. */

import type { Json, JsonObject } from '../../net/wire'

/** No model and no call is told of them, and nobody is asked to agree to them. */
const LEFT_OUT = ['_meta', 'icons']

/** Pretty-printed, whatever the order of its keys; a line end within a text is also one here. */
export function specText(spec: JsonObject): string {
  const told = Object.fromEntries(Object.entries(spec).filter(([name]) => !LEFT_OUT.includes(name)))
  return `${JSON.stringify(sorted(told), null, 2).split('\n').map(broken).join('\n')}\n`
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name] ?? null)]))
}

function broken(line: string): string {
  const indent = ' '.repeat(line.search(/\S/) + 2)
  return line.replace(/\\\\|\\n(?!")/g, (sign) => (sign === '\\n' ? `\\n\n${indent}` : sign))
}
