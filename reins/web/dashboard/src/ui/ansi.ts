/** What a terminal would show of a text, as pieces with classes: colours come from the page's tokens, never from the text. */

export interface Piece {
  text: string
  /** Names of classes, such as "red bold"; empty for plain text. */
  look: string
}

const HUES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const WEIGHTS: Record<number, string> = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 9: 'struck' }
/** SGR sequences in the middle; all others (titles, cursor, links) are left out. */
const SEQUENCE = /\u001b\[([0-9;:]*)m|\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[PX^_][^\u001b]*(?:\u001b\\)?|\u001b[ -/]*[0-~]|\u001b/g
const UNSHOWN = /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]/g

/** At most so many pieces: a text that changes its colour at each letter is shown plain from there on. */
const MOST_PIECES = 5000

export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  const look = new Look()
  let from = 0
  const put = (part: string): void => {
    const shown = part.replaceAll(UNSHOWN, '')
    if (!shown) return
    const last = pieces.at(-1)
    const words = pieces.length < MOST_PIECES ? look.words() : ''
    if (last && last.look === words) last.text += shown
    else pieces.push({ text: shown, look: words })
  }
  const clean = overwritten(text)
  for (const match of clean.matchAll(SEQUENCE)) {
    put(clean.slice(from, match.index))
    from = match.index + match[0].length
    if (match[1] !== undefined) look.take(match[1])
  }
  put(clean.slice(from))
  return pieces
}

/** A carriage return begins the line anew, as progress bars do: what was there before it is gone. */
function overwritten(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => (line.includes('\r') ? (line.split('\r').filter(Boolean).at(-1) ?? '') : line))
    .join('\n')
}

class Look {
  #ink = ''
  #paper = ''
  #weights = new Set<string>()

  words(): string {
    return [this.#ink, this.#paper && `on-${this.#paper}`, ...this.#weights].filter(Boolean).join(' ')
  }

  take(codes: string): void {
    const numbers = codes.split(/[;:]/).map((each) => Number(each || 0))
    for (let at = 0; at < numbers.length; at++) {
      const code = numbers[at] ?? 0
      if (code === 38 || code === 48) {
        const [hue, taken] = extended(numbers.slice(at + 1))
        if (code === 38) this.#ink = hue
        else this.#paper = hue
        at += taken
      } else this.#one(code)
    }
  }

  #one(code: number): void {
    const weight = WEIGHTS[code]
    if (weight) this.#weights.add(weight)
    else if (code === 0) {
      this.#ink = this.#paper = ''
      this.#weights.clear()
    } else if (code === 22) ['bold', 'dim'].forEach((each) => this.#weights.delete(each))
    else if (code === 23) this.#weights.delete('italic')
    else if (code === 24) this.#weights.delete('underline')
    else if (code === 29) this.#weights.delete('struck')
    else if (code === 39) this.#ink = ''
    else if (code === 49) this.#paper = ''
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) this.#ink = HUES[code % 10] ?? ''
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) this.#paper = HUES[code % 10] ?? ''
  }
}

/** "38;5;N" and "38;2;R;G;B" as the nearest of the eight hues, and how many numbers they took. */
function extended([kind, ...rest]: number[]): [string, number] {
  if (kind === 5) return [hueOf(rest[0] ?? 0), 2]
  if (kind === 2) return [nearest(rest[0] ?? 0, rest[1] ?? 0, rest[2] ?? 0), 4]
  return ['', 1]
}

function hueOf(index: number): string {
  if (index < 16) return HUES[index % 8] ?? ''
  if (index >= 232) return index < 244 ? 'black' : 'white'
  const cube = index - 16
  const level = (part: number): number => part * 51
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6))
}

function nearest(red: number, green: number, blue: number): string {
  const middle = (Math.max(red, green, blue) + Math.min(red, green, blue)) / 2
  const bit = (part: number, place: number): number => (part > middle || (part >= 200 && middle >= 200) ? place : 0)
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 24) return middle < 128 ? 'black' : 'white'
  return HUES[bit(red, 1) + bit(green, 2) + bit(blue, 4)] ?? ''
}
