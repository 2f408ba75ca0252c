/** Decisions that people made about items like one, read once it is looked at. */

import { api } from '../net/api'
import { mainArgument } from '../tools/calls'
import type { InboxItem } from '../net/wire'

export class Decisions {
  found = $state.raw<InboxItem[]>([])
  #stop = new AbortController()
  #of = ''

  async want(itemId: string): Promise<void> {
    if (this.#of === itemId) return
    this.#of = itemId
    try {
      const { decided_like } = await api.inboxItem(itemId, this.#stop.signal)
      if (this.#of === itemId) this.found = decided_like
    } catch {
      // It helps to decide and is not needed for it: what is missing is missed by nobody.
    }
  }

  close(): void {
    this.#stop.abort()
  }
}

/** The call in a line, as it was made in the end. */
export const pastOf = (item: InboxItem): string => mainArgument(item.final_args ?? item.args)
