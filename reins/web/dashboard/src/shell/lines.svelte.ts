/** The lines of a list page: the current one, and the keys that move, open and close. */

import { keys } from './keys.svelte'

interface Of<Row> {
  /** As the palette and the help head them: "Topics". */
  group: string
  /** One of them: "topic". */
  noun: string
  rows: () => readonly Row[]
  id: (row: Row) => string
  open: (id: string) => void
  /** Closes what is open; false where nothing is. */
  close: () => boolean
  create: { title: string; run: () => void }
  /** The current line is another. */
  moved?: (id: string) => void
}

export class Lines<Row> {
  currentId = $state<string | null>(null)
  list = $state<{ reveal: (index: number) => void }>()
  field = $state<HTMLInputElement>()
  readonly current = $derived.by(() => this.#index())
  readonly #of: Of<Row>

  /** While a page is made: its keys go with it. */
  constructor(of: Of<Row>) {
    this.#of = of
    const { group, noun, create } = of
    $effect(() =>
      keys.register([
        { title: 'Search', group, keys: '/', run: () => this.field?.focus() },
        { title: `Next ${noun}`, group, keys: 'j', palette: false, run: () => this.#move(1) },
        { title: `Previous ${noun}`, group, keys: 'k', palette: false, run: () => this.#move(-1) },
        { title: `Next ${noun}`, group, keys: 'ArrowDown', palette: false, run: () => this.#move(1) },
        { title: `Previous ${noun}`, group, keys: 'ArrowUp', palette: false, run: () => this.#move(-1) },
        { title: `Open the ${noun}`, group, keys: 'Enter', palette: false, run: () => this.#open() },
        { title: 'Close', group, keys: 'Escape', palette: false, run: () => this.#close() },
        { ...create, group, keys: 'c' },
      ]),
    )
  }

  #index(): number {
    const { rows, id } = this.#of
    return this.currentId === null ? -1 : rows().findIndex((row) => id(row) === this.currentId)
  }

  #move(by: number): void {
    const rows = this.#of.rows()
    if (rows.length === 0) return
    // Enter is the line's from here on, not the button's that was pressed last.
    if (document.activeElement instanceof HTMLButtonElement) document.activeElement.blur()
    const next = Math.max(0, Math.min(rows.length - 1, this.current < 0 ? 0 : this.current + by))
    const row = rows[next]
    if (row === undefined) return
    this.currentId = this.#of.id(row)
    this.#of.moved?.(this.currentId)
    this.list?.reveal(next)
  }

  #open(): void {
    if (this.currentId) this.#of.open(this.currentId)
  }

  #close(): void {
    if (!this.#of.close()) this.currentId = null
  }
}
