/** Text in which signs that nobody sees, or that turn the order of others, can be seen: as the terminal shows them. */

/** Controls but tab and line end, formats and marks of direction, and letters that are blank. */
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cf}\u2028\u2029\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0e\u{e0100}-\u{e01ef}]/gu

export const marked = (text: string): string => text.replace(UNSEEN, signOf)

function signOf(unseen: string): string {
  const code = unseen.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '␡'
  return code >= 0x80 && code < 0xa0 ? `␛${String.fromCodePoint(code - 0x40)}` : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
}
