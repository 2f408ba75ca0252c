/** Code as pieces with the kinds of their signs: enough to read by, in a few lines, and never HTML. */

export interface Token {
  text: string
  kind: '' | 'comment' | 'string' | 'number' | 'keyword' | 'name'
}

/** Beyond this, code is shown plain: colours are not worth a page that stands still. */
const MOST_CHARS = 200_000

interface Language {
  comments: string
  strings: string
  keywords: string
}

const C_COMMENTS = String.raw`//[^\n]*|/\*[\s\S]*?(?:\*/|$)`
const HASH = String.raw`#[^\n]*`
const DOUBLE = String.raw`"(?:[^"\\\n]|\\[\s\S])*"?`
const SINGLE = String.raw`'(?:[^'\\\n]|\\[\s\S])*'?`
const QUOTES = `${DOUBLE}|${SINGLE}`
const TRIPLE = String.raw`[rbfuRBFU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|${QUOTES})`
const BACKTICK = '`(?:[^`\\\\]|\\\\[\\s\\S])*`?'

const python: Language = {
  comments: HASH,
  strings: TRIPLE,
  keywords:
    'and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield True False None self',
}
const script: Language = {
  comments: C_COMMENTS,
  strings: `${QUOTES}|${BACKTICK}`,
  keywords:
    'as async await break case catch class const continue default delete do else enum export extends false finally for from function if implements import in instanceof interface let new null of private protected public readonly return static super switch this throw true try type typeof undefined var void while yield',
}
const compiled: Language = {
  comments: C_COMMENTS,
  strings: QUOTES,
  keywords:
    'abstract bool break case catch char class const continue default defer do double else enum extern false final finally float fn for func go goto if impl import in int interface let long loop match mod mut namespace new nil null package private protected pub public return self short signed sizeof static string struct super switch template this throw trait true try type typedef union unsafe unsigned use using var virtual void volatile where while',
}
const shell: Language = {
  comments: String.raw`(?<=^|\s)#[^\n]*`,
  strings: QUOTES,
  keywords: 'case do done elif else esac export fi for function if in local return set then until while',
}
const sql: Language = {
  comments: String.raw`--[^\n]*|/\*[\s\S]*?(?:\*/|$)`,
  strings: QUOTES,
  keywords:
    'select from where and or not in is null as join left right inner outer on group by order having limit offset insert into values update set delete create table drop alter with union all distinct case when then else end like between exists desc asc SELECT FROM WHERE AND OR NOT IN IS NULL AS JOIN LEFT RIGHT INNER OUTER ON GROUP BY ORDER HAVING LIMIT OFFSET INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE DROP ALTER WITH UNION ALL DISTINCT CASE WHEN THEN ELSE END LIKE BETWEEN EXISTS DESC ASC',
}
const settings: Language = { comments: String.raw`[#;][^\n]*`, strings: TRIPLE, keywords: 'true false null yes no on off' }
const json: Language = { comments: C_COMMENTS, strings: DOUBLE, keywords: 'true false null' }

const LANGUAGES: Record<string, Language> = {
  py: python, pyi: python, python: python, python3: python,
  js: script, mjs: script, cjs: script, jsx: script, ts: script, tsx: script, javascript: script, typescript: script, svelte: script, css: script,
  c: compiled, h: compiled, cc: compiled, cpp: compiled, cs: compiled, go: compiled, java: compiled, kt: compiled, rs: compiled, rust: compiled, swift: compiled, php: compiled,
  sh: shell, bash: shell, zsh: shell, shell: shell, makefile: shell, dockerfile: shell,
  sql, toml: settings, ini: settings, cfg: settings, yaml: settings, yml: settings, env: settings, json, jsonl: json, json5: json,
}

const made = new Map<Language, RegExp>()

function patternOf(language: Language): RegExp {
  const known = made.get(language)
  if (known) return known
  const words = language.keywords.split(' ').join('|')
  const pattern = new RegExp(
    `(?<comment>${language.comments})|(?<string>${language.strings})|(?<number>\\b(?:0[xXbBoO][\\da-fA-F_]+|\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)\\b)|(?<keyword>\\b(?:${words})\\b)|(?<name>[A-Za-z_]\\w*(?=\\s*\\())`,
    'gm',
  )
  made.set(language, pattern)
  return pattern
}

/** The language by the name of a fence ("py") or the end of a path ("src/parse.py"). */
export function languageOf(nameOrPath: string): string {
  const last = nameOrPath.toLowerCase().split('/').at(-1) ?? ''
  const ending = last.split('.').at(-1) ?? ''
  return ending in LANGUAGES ? ending : ''
}

export function tokensOf(code: string, name: string): Token[] {
  const language = LANGUAGES[name]
  if (!language || code.length > MOST_CHARS) return [{ text: code, kind: '' }]
  const tokens: Token[] = []
  let from = 0
  for (const match of code.matchAll(patternOf(language))) {
    if (match.index > from) tokens.push({ text: code.slice(from, match.index), kind: '' })
    const kind = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] as Token['kind'] | undefined
    tokens.push({ text: match[0], kind: kind ?? '' })
    from = match.index + match[0].length
  }
  if (from < code.length) tokens.push({ text: code.slice(from), kind: '' })
  return tokens
}
