/** All causes on the Attention page, each in the place where it was first seen. */

import { untrack } from 'svelte'
import { concerns } from '../../state/concerns.svelte'
import { causeId } from '../../state/fleet.svelte'
import { snoozed } from '../../state/snoozed.svelte'
import { vocabulary } from '../../state/vocabulary.svelte'
import { CauseDesk } from './cause-desk.svelte'
import type { Concern } from '../../net/wire'

export class CauseBoard {
  #desks = $state.raw<CauseDesk[]>([])
  #seen = 0

  /** Those that were acted on stay, over or not, until the page is left. */
  readonly shown: CauseDesk[] = $derived(this.#desks.filter((each) => each.acts.length > 0 || (!each.over && !snoozed.has(each.concern))))
  readonly snoozed: CauseDesk[] = $derived(this.#desks.filter((each) => !each.over && each.acts.length === 0 && snoozed.has(each.concern)))

  take(all: Concern[]): void {
    const known = new Map(this.#desks.map((desk) => [desk.id, desk]))
    const now = new Set(all.map(causeId))
    for (const concern of all) {
      const id = causeId(concern)
      const desk = known.get(id)
      if (desk) desk.take(concern)
      else known.set(id, new CauseDesk(id, (this.#seen += 1), concern))
    }
    for (const desk of known.values()) if (!now.has(desk.id)) desk.over = true
    const kept = [...known.values()].filter((desk) => !desk.over || desk.acts.length > 0)
    this.#desks = kept.sort((a, b) => rankOf(a) - rankOf(b) || a.number - b.number)
  }

  /** Follows what the server gathers. */
  follow(): void {
    $effect(() => {
      const { all } = concerns
      void vocabulary.concerns // their order
      untrack(() => this.take(all))
    })
  }
}

const rankOf = ({ concern }: CauseDesk): number => vocabulary.concerns.findIndex(({ name }) => name === concern.kind)
