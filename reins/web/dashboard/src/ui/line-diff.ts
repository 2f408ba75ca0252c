/** The lines that a text lost and got, with what stands around them. */

export interface DiffLine {
  sign: ' ' | '+' | '-' | '@'
  text: string
}

export interface Diff {
  lines: DiffLine[]
  added: number
  removed: number
}

const AROUND = 3
/** Lines that are shown of a diff. */
export const MOST_SHOWN = 2000
/** The table grows with the square; beyond it the whole middle is shown as changed. */
const MOST_CELLS = 4_000_000

/** From one text to the next; null for one that is not there. */
export function diffOf(before: string | null, after: string | null): Diff {
  const old = linesOf(before)
  const fresh = linesOf(after)
  let start = 0
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++
  let end = 0
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end++
  const middle = aligned(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end))
  const same = (text: string): DiffLine => ({ sign: ' ', text })
  const shown = folded([...old.slice(0, start).map(same), ...middle, ...old.slice(old.length - end).map(same)])
  const [was, is] = [endsOpen(before), endsOpen(after)]
  if (was !== is) shown.push({ sign: '@', text: `${was ? 'before' : 'now'} without a line end after the last line` })
  return counted(shown)
}

const endsOpen = (text: string | null): boolean => text !== null && text !== '' && !text.endsWith('\n')

function linesOf(text: string | null): string[] {
  if (text === null || text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function aligned(old: string[], fresh: string[]): DiffLine[] {
  const gone = (text: string): DiffLine => ({ sign: '-', text })
  const come = (text: string): DiffLine => ({ sign: '+', text })
  if (old.length * fresh.length > MOST_CELLS) return [...old.map(gone), ...fresh.map(come)]
  const wide = fresh.length + 1
  const longest = new Uint32Array((old.length + 1) * wide)
  const at = (i: number, j: number): number => longest[i * wide + j] ?? 0
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      longest[i * wide + j] = old[i] === fresh[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ sign: ' ', text: old[i++] ?? '' })
      j++
    } else if (i < old.length && (j >= fresh.length || at(i + 1, j) >= at(i, j + 1))) lines.push(gone(old[i++] ?? ''))
    else lines.push(come(fresh[j++] ?? ''))
  }
  return lines
}

/** Without what lies far from every change. */
function folded(lines: DiffLine[]): DiffLine[] {
  const near = new Uint8Array(lines.length)
  lines.forEach(({ sign }, index) => {
    if (sign !== ' ') near.fill(1, Math.max(0, index - AROUND), index + AROUND + 1)
  })
  const shown: DiffLine[] = []
  let left = 0
  lines.forEach((line, index) => {
    if (near[index]) {
      if (left > 0) shown.push({ sign: '@', text: leftOut(left) })
      left = 0
      shown.push(line)
    } else left++
  })
  if (left > 0 && shown.length > 0) shown.push({ sign: '@', text: leftOut(left) })
  return shown
}

const leftOut = (count: number): string => `${count} ${count === 1 ? 'line' : 'lines'} as before`

const counted = (lines: DiffLine[]): Diff => ({
  lines,
  added: lines.filter(({ sign }) => sign === '+').length,
  removed: lines.filter(({ sign }) => sign === '-').length,
})

/** A diff that somebody wrote already, in the unified format; its head is left out. */
export function readDiff(text: string): Diff {
  const all = linesOf(text)
  // A changed line may look like the head's: what is after the first hunk's is none.
  const head = all.findIndex((line) => line.startsWith('@@'))
  const lines = all
    .filter((line, index) => index > head || !/^(--- |\+\+\+ |diff |index )/.test(line))
    .map((line): DiffLine => {
      if (line.startsWith('@@')) return { sign: '@', text: hunkWords(line) }
      if (line.startsWith('\\')) return { sign: '@', text: 'no line end after this line' }
      const sign = line[0] === '+' || line[0] === '-' ? line[0] : ' '
      if (sign === ' ' && line !== '' && line[0] !== ' ') return { sign: '@', text: line }
      return { sign, text: line.slice(1) }
    })
  return counted(lines.filter(({ sign, text: words }) => sign !== '@' || words !== ''))
}

/** Where a hunk stands; nothing where it begins with the file. */
function hunkWords(line: string): string {
  const begins = Number(/^@@+ .*?\+(\d+)/.exec(line)?.[1] ?? 0)
  return begins > 1 ? `from line ${begins}` : ''
}
