/** An id made from a name: readable in an address, and not taken. */

const MOST_CHARS = 60

/** "Ada Lovelace" is ada-lovelace, or ada-lovelace-2 where that is taken. */
export function freeId(name: string, isTaken: (id: string) => boolean): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  const id = plain.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-+|-+$/g, '').slice(0, MOST_CHARS) || 'unnamed'
  let free = id
  for (let number = 2; isTaken(free); number++) free = `${id}-${number}`
  return free
}
