/** What sessions ask of people: approvals and questions that are open, read again whenever sessions begin or cease to wait. */

import { untrack } from 'svelte'
import { SvelteMap } from 'svelte/reactivity'
import { api, asProblem, isAbort, type ApiProblem } from '../net/api'
import { asksPerson, fleet } from './fleet.svelte'
import { Request } from '../steering/request.svelte'
import { decide } from '../steering/requests'
import type { DecideBody, InboxItem } from '../net/wire'

const PAGE = 500
const AGAIN_AFTER_MS = 3000
/** Many sessions may begin to wait at once: one reading serves them. */
const TOGETHER_MS = 120

export type Choice = Omit<DecideBody, 'actor' | 'call_hash'>

class Inbox {
  #open = $state.raw<InboxItem[]>([])
  /** Decided here: they stay in their places until the page is left. */
  #decided = new SvelteMap<string, { item: InboxItem; request: Request; choice: Choice }>()
  #seen = ''
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading: AbortController | null = null
  #listeners = new Set<(fresh: InboxItem[]) => void>()
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  /** Reads when the sessions that wait for people are others than before. */
  start(): void {
    $effect.root(() => {
      $effect(() => {
        const waiting = [...fleet.values()].filter(asksPerson)
        const seen = waiting.map(({ session_id, waits }) => `${session_id} ${waits?.since ?? ''} ${waits?.kind ?? ''}`).sort().join('\n')
        untrack(() => this.#changed(seen))
      })
    })
  }

  /** The oldest first: what expires sooner comes before what has no end. */
  readonly items: InboxItem[] = $derived([...this.#open].sort(byUrgency))

  /** Those, and what was decided from here, each in its place. */
  readonly shown: InboxItem[] = $derived.by(() => {
    const open = new Map(this.#open.map((item) => [item.item_id, item]))
    for (const [id, { item }] of this.#decided) if (!open.has(id)) open.set(id, item)
    return [...open.values()].sort(byUrgency)
  })

  get(itemId: string): InboxItem | undefined {
    return this.#open.find((item) => item.item_id === itemId) ?? this.#decided.get(itemId)?.item
  }

  isOpen(itemId: string): boolean {
    return this.#open.some((item) => item.item_id === itemId)
  }

  /** What was decided from here, and what became of it. */
  decisionOn(itemId: string): { request: Request; choice: Choice } | undefined {
    return this.#decided.get(itemId)
  }

  async decide(item: InboxItem, choice: Choice): Promise<boolean> {
    const known = this.#decided.get(item.item_id)
    if (known?.request.busy) return false
    const request = known?.request ?? new Request()
    this.#decided.set(item.item_id, { item, request, choice })
    const isSent = (await decide(request, item, { ...choice, call_hash: item.call_hash })) !== null
    if (isSent) this.#soon()
    return isSent
  }

  /** Forgets what was decided and has an outcome: the page is left. */
  forgetDecided(): void {
    for (const [id, { request }] of this.#decided) if (!request.busy && !this.isOpen(id)) this.#decided.delete(id)
  }

  /** Calls back with what was not there at the reading before; returns what ends it. */
  onFresh(listener: (fresh: InboxItem[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async read(): Promise<void> {
    this.#reading?.abort()
    const { signal } = (this.#reading = new AbortController())
    try {
      const found: InboxItem[] = []
      let cursor: string | null = null
      do {
        const page: { items: InboxItem[]; next_cursor: string | null } = await api.inbox({ state: 'open', limit: PAGE, cursor }, signal)
        found.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== null)
      const known = new Set(this.#open.map(({ item_id }) => item_id))
      const fresh = found.filter(({ item_id }) => !known.has(item_id))
      const wasLoaded = this.loaded
      this.#open = found
      this.loaded = true
      this.problem = null
      if (wasLoaded && fresh.length > 0) for (const listener of this.#listeners) listener(fresh)
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
      this.#soon(AGAIN_AFTER_MS)
    }
  }

  #changed(seen: string): void {
    if (seen === this.#seen) return
    this.#seen = seen
    // Nobody waits: there is nothing to be asked for.
    if (seen === '') {
      clearTimeout(this.#timer)
      this.#reading?.abort()
      this.#open = []
      this.loaded = true
    } else this.#soon()
  }

  #soon(after_ms = TOGETHER_MS): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.read(), after_ms)
  }
}

const NEVER = '9'

function byUrgency(one: InboxItem, other: InboxItem): number {
  const [a, b] = [one, other].map((item) => `${item.expires_at ?? NEVER} ${item.asked_at} ${item.item_id}`)
  return (a ?? '') < (b ?? '') ? -1 : 1
}

export const inbox = new Inbox()
