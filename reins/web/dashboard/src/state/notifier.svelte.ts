/** Notifications of the browser when something new needs a person: asked for by a button, off by default. */

import { untrack } from 'svelte'
import { attention } from './attention.svelte'
import { inbox } from './inbox.svelte'
import type { InboxItem } from '../net/wire'

const KEY = 'reins.notify'
/** A cause that comes and goes within it is told once. */
const SETTLE_MS = 5_000

class Notifier {
  /** Wanted, and allowed by the browser. */
  on = $state(false)
  /** The browser has been told never to. */
  isBlocked = $state(false)
  readonly isThere = 'Notification' in globalThis
  #known: Set<string> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  start(): void {
    if (!this.isThere) return
    this.on = localStorage.getItem(KEY) === 'on' && Notification.permission === 'granted'
    this.isBlocked = Notification.permission === 'denied'
    inbox.onFresh((fresh) => this.#tellAsked(fresh))
    $effect.root(() => {
      $effect(() => {
        void attention.matters
        if (attention.isKnown) untrack(() => this.#soon())
      })
    })
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

  #soon(): void {
    // What stands there as the page opens is no news.
    this.#known ??= new Set(attention.matters.map(({ id }) => id))
    this.#timer ??= setTimeout(() => this.#look(), SETTLE_MS)
  }

  #look(): void {
    this.#timer = undefined
    const now = attention.matters
    const fresh = now.filter(({ id }) => !this.#known?.has(id))
    this.#known = new Set(now.map(({ id }) => id))
    const [first] = fresh
    if (!first) return
    const count = fresh.reduce((total, each) => total + each.count, 0)
    this.#show(fresh.length > 1 ? `${fresh.length} new matters need you` : first.title, count > 1 ? `${count} concerned` : '', 'reins-matters')
  }

  #tellAsked(fresh: InboxItem[]): void {
    const [first] = fresh
    if (!first) return
    const title = fresh.length > 1 ? `${fresh.length} wait for you` : `${first.session_id} waits for ${first.kind === 'question' ? 'an answer' : 'approval'}`
    this.#show(title, first.tool, 'reins-inbox')
  }

  /** Names and kinds alone: what a notification says can be read over a shoulder, and stays in the system's list. */
  #show(title: string, body: string, tag: string): void {
    // Who looks at the page sees it there.
    if (!this.on || !document.hidden) return
    const shown = new Notification(title, { body, tag })
    shown.onclick = () => {
      window.focus()
      shown.close()
    }
  }
}

export const notifier = new Notifier()
