/** Reads the calls of tools out of a log's rows: what was thought, called, asked, and what came of it. */

import { marked } from '../ui/marked'
import type { Json, JsonObject, LogRow } from '../net/wire'

export type Risk = 'low' | 'medium' | 'high'

export interface ToolCall {
  tool: string
  arguments: JsonObject
  key: string
  risk: Risk | null
  reasons: string[]
}

export interface CallOutcome {
  ok: boolean
  kind: string
  error: string
  took_s: number | null
  attempts: number
  size_bytes: number | null
  text: string
  file: string
  exit: number | null
  confinement: string
}

interface Asks {
  item_id: string
  kind: 'approval' | 'question'
}

/** A row that thinks, calls, asks, or tells what a call came to. */
export interface Work {
  thought: string
  call: ToolCall
  outcome: CallOutcome | null
  asks: Asks | null
  /** The report on a goal that is over. */
  result: JsonObject | null
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const numberOf = (value: Json | undefined): number | null => (typeof value === 'number' ? value : null)
export const textsOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [])
export const riskOf = (value: Json | undefined): Risk | null => (value === 'low' || value === 'medium' || value === 'high' ? value : null)

/** Null for every row that has no call. */
export function workOf(row: LogRow | undefined): Work | null {
  if (!row || (row.kind !== 'intent' && row.kind !== 'tick')) return null
  const call = callOf(row.payload?.['call'])
  if (!call) return null
  const asks = row.payload?.['asks']
  return {
    thought: textOf(row.payload?.['thought']),
    call,
    outcome: outcomeOf(row.payload?.['outcome'], call.tool),
    result: isObject(row.payload?.['result']) ? row.payload['result'] : null,
    asks: isObject(asks) && textOf(asks['item_id']) ? { item_id: textOf(asks['item_id']), kind: asks['kind'] === 'question' ? 'question' : 'approval' } : null,
  }
}

function callOf(value: Json | undefined): ToolCall | null {
  if (!isObject(value) || typeof value['tool'] !== 'string') return null
  return {
    tool: value['tool'],
    arguments: isObject(value['arguments']) ? value['arguments'] : {},
    key: textOf(value['key']),
    risk: riskOf(value['risk']),
    reasons: textsOf(value['reasons']),
  }
}

/** The first line of what a command gave says how it ended. */
const EXIT = /^\[exit code (\d+)/

function outcomeOf(value: Json | undefined, tool: string): CallOutcome | null {
  if (!isObject(value)) return null
  const told = tool.startsWith('run_') ? EXIT.exec(textOf(value['text']))?.[1] : undefined
  const confinement = value['confinement']
  return {
    ok: value['ok'] === true,
    kind: textOf(value['kind']),
    error: textOf(value['error']),
    took_s: numberOf(value['took_s']),
    attempts: numberOf(value['attempts']) ?? 1,
    size_bytes: numberOf(value['size_bytes']),
    text: textOf(value['text']),
    file: textOf(value['file']),
    exit: numberOf(value['exit']) ?? (told === undefined ? null : Number(told)),
    confinement: isObject(confinement) ? Object.values(confinement).filter((each) => typeof each === 'string').join(', ') : textOf(confinement),
  }
}

/** How a call ended, or stands: what its mark shows. */
export type Standing = 'ok' | 'failed' | 'unknown' | 'cancelled' | 'denied' | 'asks' | 'running'

export function standingOf(outcome: CallOutcome | null, asks: boolean): Standing {
  if (asks) return 'asks'
  if (!outcome) return 'running'
  if (outcome.kind === 'unknown' || outcome.kind === 'unknown_outcome') return 'unknown'
  if (outcome.kind === 'cancelled') return 'cancelled'
  if (NOT_MADE.includes(outcome.kind)) return 'denied'
  return outcome.ok && (outcome.exit ?? 0) === 0 ? 'ok' : 'failed'
}

/** It was not made, and nothing went wrong. */
const NOT_MADE = ['denied', 'rejected', 'expired', 'withdrawn']

const KINDS: Record<string, string> = {
  unknown_tool: 'no such tool',
  arguments: 'wrong arguments',
  timeout: 'out of time',
  busy: 'too many at once',
  budget: 'budget spent',
  breaker: 'switched off for now',
  denied: 'not allowed',
  rejected: 'rejected',
  expired: 'expired, not made',
  withdrawn: 'withdrawn',
  stale: 'stale: it changed meanwhile',
}

/** The outcome in few words, without its mark: "2.1 KB", "exit 1", "out of time". */
export function outcomeWords(outcome: CallOutcome, sizeOf: (bytes: number) => string): string {
  switch (standingOf(outcome, false)) {
    case 'unknown':
      return 'unknown, not repeated'
    case 'cancelled':
      return 'cancelled'
    case 'ok':
      if (outcome.kind === 'answered') return 'answered'
      return outcome.size_bytes === null ? 'done' : sizeOf(outcome.size_bytes)
    default:
      if (outcome.exit !== null && outcome.exit !== 0) return `exit ${outcome.exit}`
      return KINDS[outcome.kind] ?? (outcome.error.split('\n')[0] || outcome.kind || 'failed')
  }
}

/** Names of arguments that say what a call is about, the most telling first. */
const TELLING = ['argv', 'command', 'line', 'code', 'url', 'path', 'file', 'pattern', 'query', 'sql', 'question', 'name', 'key', 'status', 'text', 'content']
const MOST_CHARS = 160

/** The argument that matters, in one line: "pytest -q", "src/parse.py", "depth 4". */
export function mainArgument(args: JsonObject): string {
  const name = TELLING.find((each) => args[each] !== undefined && args[each] !== '')
  if (name === undefined) {
    const [first] = Object.entries(args)
    return first ? marked(`${first[0]} ${inLine(first[1])}`) : ''
  }
  const where = name === 'pattern' && typeof args['path'] === 'string' && args['path'] !== '.' ? ` in ${args['path']}` : ''
  return marked(inLine(args[name]) + where)
}

function inLine(value: Json | undefined): string {
  const text = Array.isArray(value) ? value.map((each) => quoted(typeof each === 'string' ? each : JSON.stringify(each))).join(' ') : typeof value === 'string' ? value : JSON.stringify(value ?? '')
  const [first = '', ...rest] = text.split('\n').filter((line) => line.trim() !== '')
  return first.length > MOST_CHARS ? `${first.slice(0, MOST_CHARS)}…` : rest.length > 0 ? `${first} …` : first
}

/** As it would be typed into a shell. */
export const quoted = (part: string): string => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", String.raw`'\''`)}'`)

/** A list of tokens, as commands are given. */
export const isArgv = (value: Json | undefined): value is string[] => Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')
