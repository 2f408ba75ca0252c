/** In one form of Unicode and one case: a text typed on another keyboard is found as well. */
export const folded = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC')

/** True where every word of `wanted` occurs somewhere in the text. */
export function matches(text: string, wanted: string): boolean {
  const haystack = folded(text)
  return folded(wanted).split(/\s+/).every((word) => haystack.includes(word))
}
