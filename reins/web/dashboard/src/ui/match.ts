/** True where every word of `wanted` occurs somewhere in the text. */
export function matches(text: string, wanted: string): boolean {
  const haystack = text.toLowerCase()
  return wanted.toLowerCase().split(/\s+/).every((word) => haystack.includes(word))
}
