/** One decision about many items at once, each with its own receipt. */

import { inbox } from '../../state/inbox.svelte'
import type { InboxItem } from '../../net/wire'

/** Requests at a time: the server is not to be flooded by one press. */
const AT_ONCE = 6

export class Bulk {
  busy = $state(false)
  done = $state(0)
  failed = $state(0)
  of = $state(0)

  async decide(items: InboxItem[], decision: 'approve' | 'reject', reason = ''): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.done = this.failed = 0
    this.of = items.length
    const waiting = [...items]
    const work = async (): Promise<void> => {
      for (let item = waiting.shift(); item; item = waiting.shift()) {
        const isSent = await inbox.decide(item, { decision, ...(reason ? { reason } : {}) })
        if (isSent) this.done += 1
        else this.failed += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    this.busy = false
  }
}
