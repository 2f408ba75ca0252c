/** What a model's answer decides, while it is still being written: its thought, and the call that it names. */

import { mainArgument } from './calls'
import type { Json, JsonObject } from '../net/wire'

export interface Deciding {
  thought: string
  /** Empty until it is named. */
  tool: string
  argument: string
}

const BEGINS = /^\s*(?:```(?:json)?\s*)?\{/
const THOUGHT = /"(?:thought|thoughts|reasoning|reason|thinking)"\s*:\s*"((?:[^"\\]|\\.)*)/s
const TOOL = /"(?:tool|tool_name|name|action|function)"\s*:\s*"([^"\\]*)"/
const ARGUMENTS = /"(?:arguments|args|parameters|input|action_input|tool_input)"\s*:\s*(\{[\s\S]*)$/
const PAIR = /"(\w+)"\s*:\s*(?:"((?:[^"\\]|\\.)*)|\[((?:[^\]"]|"(?:[^"\\]|\\.)*"?)*)|(-?[\d.]+|true|false|null))/g
const WORD = /"((?:[^"\\]|\\.)*)"?/g

/** Null for an answer that is no call: it is shown as it is typed. */
export function decidingOf(text: string): Deciding | null {
  if (!BEGINS.test(text)) return null
  const thought = unescaped(THOUGHT.exec(text)?.[1] ?? '')
  const tool = TOOL.exec(text.replace(ARGUMENTS, ''))?.[1] ?? ''
  if (!thought && !tool) return null
  return { thought, tool, argument: tool ? mainArgument(argumentsOf(ARGUMENTS.exec(text)?.[1] ?? '')) : '' }
}

/** As much of the arguments as has come. */
function argumentsOf(text: string): JsonObject {
  const found: Record<string, Json> = {}
  for (const [, name, word, list, other] of text.matchAll(PAIR)) {
    if (name === undefined) continue
    if (list !== undefined) found[name] = [...list.matchAll(WORD)].map(([, each]) => unescaped(each ?? '')).filter(Boolean)
    else found[name] = word === undefined ? (other ?? '') : unescaped(word)
  }
  return found
}

const SIGNS: Record<string, string> = { n: '\n', t: '\t', r: '', b: '', f: '' }

/** A JSON string that may break off anywhere. */
const unescaped = (text: string): string =>
  text
    .replace(/\\u?[\da-fA-F]{0,3}$/, '')
    .replaceAll(/\\(?:u([\da-fA-F]{4})|(.))/gs, (_, code: string | undefined, sign: string) => (code ? String.fromCharCode(parseInt(code, 16)) : (SIGNS[sign] ?? sign)))
