/** An id as one segment of a path, and back. */

const DOTS = /^(\.|%(25)*2e){1,2}$/i

/** One of dots alone is encoded twice: a browser takes `..`, and `%2E%2E` too, for another path. */
export function segment(id: string): string {
  const text = encodeURIComponent(id)
  return DOTS.test(id) ? encodeURIComponent(text.replaceAll('.', '%2E')) : text
}

/** The id in a segment; one that is not encoded as it should be stands for itself. */
export function idIn(part: string): string {
  try {
    const text = decodeURIComponent(part)
    return DOTS.test(text) ? decodeURIComponent(text) : text
  } catch {
    return part
  }
}
