/** The dead letters on the Attention page: those that wait, and those that were replayed here, until it is left. */

import { letterCauseId, letters } from '../../state/letters.svelte'
import { replayLetters } from '../../steering/requests'
import { Request } from '../../steering/request.svelte'
import type { LetterCause } from '../../net/wire'

export class LetterDesk {
  /** As it was last; it stays so once none of them waits. */
  cause: LetterCause = $state.raw() as LetterCause
  over = $state(false)
  readonly request = new Request()
  #replayed = $state.raw<ReadonlySet<string>>(new Set())

  constructor(
    readonly id: string,
    cause: LetterCause,
  ) {
    this.cause = cause
  }

  /** Of those that were replayed here. */
  readonly given: number = $derived(this.request.receipts.filter(({ outcome }) => outcome === 'applied').length)
  readonly refused: string[] = $derived(this.request.receipts.flatMap(({ outcome, error }) => (outcome === 'rejected' ? [error ?? 'no reason was recorded'] : [])))
  readonly settled: boolean = $derived(this.request.receipts.length > 0 && this.request.receipts.every(({ outcome }) => outcome !== 'queued'))
  /** Letters that have come since they were replayed. */
  readonly again: number = $derived(this.over || this.#replayed.size === 0 || !this.settled ? 0 : this.cause.letter_ids.filter((id) => !this.#replayed.has(id)).length)

  get touched(): boolean {
    return this.#replayed.size > 0
  }

  async replay(): Promise<void> {
    if (this.over || this.request.busy) return
    const ids = this.cause.letter_ids
    if (await replayLetters(this.request, this.cause.topic, ids)) this.#replayed = new Set([...this.#replayed, ...ids])
    void letters.read()
  }
}

export class LetterBoard {
  desks = $state.raw<LetterDesk[]>([])

  take(causes: LetterCause[]): void {
    const known = new Map(this.desks.map((desk) => [desk.id, desk]))
    const now = new Set(causes.map(letterCauseId))
    for (const cause of causes) {
      const desk = known.get(letterCauseId(cause))
      if (desk) {
        desk.cause = cause
        desk.over = false
      } else known.set(letterCauseId(cause), new LetterDesk(letterCauseId(cause), cause))
    }
    for (const desk of known.values()) if (!now.has(desk.id)) desk.over = true
    this.desks = [...known.values()].filter((desk) => !desk.over || desk.touched)
  }
}
