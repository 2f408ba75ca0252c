/** Notifications of the browser when a session begins to wait for a person: asked for by a button, off by default. */

import { inbox } from './inbox.svelte'
import type { InboxItem } from '../net/wire'

const KEY = 'reins.notify'

class Notifier {
  /** Wanted, and allowed by the browser. */
  on = $state(false)
  /** The browser has been told never to. */
  isBlocked = $state(false)
  readonly isThere = 'Notification' in globalThis

  start(): void {
    if (!this.isThere) return
    this.on = localStorage.getItem(KEY) === 'on' && Notification.permission === 'granted'
    this.isBlocked = Notification.permission === 'denied'
    inbox.onFresh((fresh) => this.#tell(fresh))
  }

  async toggle(): Promise<void> {
    if (this.on) this.on = false
    else {
      const answer = Notification.permission === 'default' ? await Notification.requestPermission() : Notification.permission
      this.on = answer === 'granted'
      this.isBlocked = answer === 'denied'
    }
    localStorage.setItem(KEY, this.on ? 'on' : 'off')
  }

  /** Who looks at the page sees it there. */
  #tell(fresh: InboxItem[]): void {
    if (!this.on || !document.hidden) return
    const [first] = fresh
    if (!first) return
    const title = fresh.length > 1 ? `${fresh.length} wait for you` : `${first.session_id} waits for ${first.kind === 'question' ? 'an answer' : 'approval'}`
    // Names alone: what a notification says can be read over a shoulder, and stays in the system's list.
    const shown = new Notification(title, { body: first.tool, tag: 'reins-inbox' })
    shown.onclick = () => {
      window.focus()
      shown.close()
    }
  }
}

export const notifier = new Notifier()
