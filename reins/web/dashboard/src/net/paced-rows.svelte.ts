/** Rows as the eye can follow them: the first change shows at once, further ones in beats. */

import { untrack } from 'svelte'
import type { NumberedRows } from './numbered-rows.svelte'

/** Painting hundreds of rows a second costs the frames that everything else needs. */
const BEAT_MS = 50

export class PacedRows<Row> {
  #beat = $state(0)
  #head: number
  #beatenAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly log: NumberedRows<Row>) {
    this.#head = untrack(() => log.head)
  }

  /** Number of rows, as of the newest beat. */
  get head(): number {
    void this.#beat
    return this.#head
  }

  rowAt(number: number): Row | undefined {
    void this.#beat
    return untrack(() => this.log.rowAt(number))
  }

  /** To be run in an effect, which the log's changes run again. */
  watch(): void {
    void this.log.version
    void this.log.head
    untrack(() => this.#changed())
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #changed(): void {
    if (this.#timer !== undefined) return
    const wait_ms = this.#beatenAt + BEAT_MS - performance.now()
    if (wait_ms <= 0) this.#show()
    else this.#timer = setTimeout(() => this.#show(), wait_ms)
  }

  #show(): void {
    this.#timer = undefined
    this.#beatenAt = performance.now()
    this.#head = this.log.head
    this.#beat += 1
  }
}
