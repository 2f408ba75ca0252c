/** The look of a name: its initials and a colour of its own. */

const HUES = 24

/** "Ada Lovelace" is AL, "ada" is A; a sign of several code points stays whole. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/[\s_-]+/).filter(Boolean)
  const [first, last] = [words[0], words.length > 1 ? words.at(-1) : undefined]
  return [first, last].map((word) => (word ? firstOf(word) : '')).join('').toUpperCase() || '?'
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const firstOf = (word: string): string => graphemes.segment(word)[Symbol.iterator]().next().value?.segment ?? ''

/** The same for the same name, in degrees; neighbours of the circle can be told apart. */
export function hueOf(name: string): number {
  let hash = 0
  for (const sign of name) hash = (hash * 31 + (sign.codePointAt(0) ?? 0)) >>> 0
  return (hash % HUES) * (360 / HUES)
}
