/** The rows that the log folds away: of sorts that are switched off, and long runs of ticks. */

import { api, isAbort } from '../../../net/api'
import type { FoldedRows, LogRow, Sort } from '../../../net/wire'
import type { Places } from '../../../ui/places'
import { sortOf } from './sorts'

/** Rows that came since the server was asked; more of them are asked for anew. */
const MOST_NEW = 1000

interface Runs {
  head: number
  folds: FoldedRows[]
  /** Lines before each fold that its rows do not take. */
  saved: number[]
}

const NOTHING: Runs = { head: 0, folds: [], saved: [] }

export class Folding implements Places {
  #runs = $state.raw<Runs>(NOTHING)
  #opened = $state.raw<ReadonlySet<number>>(new Set())
  #stop = new AbortController()
  #asked = ''

  constructor(readonly sessionId: string) {}

  /** Asks the server, for rows up to the newest. */
  async load(hide: Sort[], runs: boolean): Promise<void> {
    this.#stop.abort()
    this.#stop = new AbortController()
    const key = `${hide.join()} ${runs}`
    if (key !== this.#asked) this.#opened = new Set()
    this.#asked = key
    if (hide.length === 0 && !runs) {
      this.#runs = NOTHING
      return
    }
    try {
      const { head, items } = await api.folds(this.sessionId, { hide: hide.join(','), runs }, this.#stop.signal)
      this.#runs = placed(head, items.filter(({ first }) => !this.#opened.has(first)))
    } catch (error) {
      // What was folded stays folded; the connection strip says that the server is gone.
      if (!isAbort(error)) this.#asked = ''
    }
  }

  /** Rows that came since then, as far as they are here: those of hidden sorts are folded, too. */
  extend(hide: Sort[], newest: number, rowAt: (seq: number) => LogRow | undefined): void {
    const { head, folds } = this.#runs
    if (hide.length === 0 || head === 0 || newest <= head || newest - head > MOST_NEW) return
    const more: FoldedRows[] = []
    for (let seq = head + 1; seq <= newest; seq++) {
      const row = rowAt(seq)
      if (!row || !hide.includes(sortOf(row))) continue
      const last = more.at(-1)
      const ticks = row.kind === 'tick' ? 1 : 0
      if (last && last.last === seq - 1) more[more.length - 1] = { ...last, last: seq, ticks: last.ticks + ticks, subject: null }
      else more.push({ first: seq, last: seq, ticks, subject: null })
    }
    if (more.length > 0) this.#runs = placed(newest, [...folds, ...more])
  }

  /** Unfolds one. */
  open(fold: FoldedRows): void {
    this.#opened = new Set([...this.#opened, fold.first])
    this.#runs = placed(this.#runs.head, this.#runs.folds.filter((each) => each !== fold))
  }

  /** The fold that the row is in. */
  foldOf(seq: number): FoldedRows | undefined {
    const fold = this.#runs.folds[this.#before(seq)]
    return fold && seq >= fold.first && seq <= fold.last ? fold : undefined
  }

  readonly length = (head: number): number => head - (this.#runs.saved.at(-1) ?? 0)

  readonly at = (index: number): number => {
    const { folds, saved } = this.#runs
    // The last fold whose line is at or before this one.
    const fold = lastWhere(folds.length, (each) => lineOf(folds, saved, each) <= index)
    if (fold < 0) return index + 1
    const line = lineOf(folds, saved, fold)
    const { first = 1, last = 1 } = folds[fold] ?? {}
    return line === index ? first : last + index - line
  }

  readonly of = (seq: number): number => {
    const { folds, saved } = this.#runs
    const fold = this.#before(seq)
    const { first = 0, last = 0 } = folds[fold] ?? {}
    if (fold >= 0 && seq <= last) return first - 1 - (saved[fold - 1] ?? 0)
    return seq - 1 - (saved[fold] ?? 0)
  }

  close(): void {
    this.#stop.abort()
  }

  /** The last fold that begins at or before the row; -1 if none does. */
  #before(seq: number): number {
    const { folds } = this.#runs
    return lastWhere(folds.length, (each) => (folds[each]?.first ?? 0) <= seq)
  }
}

const lineOf = (folds: FoldedRows[], saved: number[], fold: number): number => (folds[fold]?.first ?? 1) - 1 - (saved[fold - 1] ?? 0)

/** The last index for which it holds, where it holds up to some place and not beyond; -1 if for none. */
function lastWhere(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [-1, length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}

function placed(head: number, folds: FoldedRows[]): Runs {
  let sum = 0
  const saved = folds.map(({ first, last }) => (sum += last - first))
  return { head, folds, saved }
}
