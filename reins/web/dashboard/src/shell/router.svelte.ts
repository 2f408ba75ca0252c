/** The address bar as state: the path, and a query that keeps filters shareable. */

import { at, base, pathAt } from '../net/base'
import { idIn, segment } from '../net/segment'

export const sessionPath = (sessionId: string, seq?: number): string =>
  at(`/sessions/${segment(sessionId)}${seq === undefined ? '' : `?seq=${seq}`}`)

export const conversationPath = (conversationId: string): string => at(`/conversations/${segment(conversationId)}`)

export const messagePath = (conversationId: string, number: number): string => `${conversationPath(conversationId)}?message=${number}`

export const topicPath = (topic: string, message?: number): string => at(`/topics/${segment(topic)}${message === undefined ? '' : `?message=${message}`}`)

export const schedulePath = (scheduleId: string): string => at(`/schedules?schedule=${encodeURIComponent(scheduleId)}`)

/** A document; at a place, such as "2:120-180", the passage there. */
export const libraryPath = (documentId: string, place?: string | null): string => at(`/documents/${segment(documentId)}${place ? `?place=${place}` : ''}`)

export const searchPath = (query: string): string => at(`/search${query ? `?q=${encodeURIComponent(query)}` : ''}`)

/** An entity; of whose facts besides those that all share. */
export function entityPath(name: string, whose: { session_id?: string | null | undefined; agent_id?: string | null | undefined } = {}): string {
  const query = whose.session_id ? `?session=${encodeURIComponent(whose.session_id)}` : whose.agent_id ? `?agent=${encodeURIComponent(whose.agent_id)}` : ''
  return at(`/facts/${segment(name)}${query}`)
}

/** The session at the row that published a message of a topic, which has yet to be found: not long after that moment. */
export const publishedPath = (sessionId: string, topic: string, message: number, at: string): string =>
  `${sessionPath(sessionId)}?published=${encodeURIComponent(`${topic}:${message}`)}&at=${encodeURIComponent(at)}`

/** The session at the row of one of its ticks, which has yet to be found. */
export const tickPath = (sessionId: string, tick: number): string => `${sessionPath(sessionId)}?tick=${tick}`

class Router {
  /** Called before the page is left for another place by a link or a key. */
  onleave: (() => void) | null = null
  #url = $state.raw(new URL(location.href))
  readonly path = $derived(pathAt(this.#url.pathname))
  /** The last part of the path: on a page about one thing, its id. */
  readonly id = $derived(idIn(this.path.split('/').at(-1) ?? ''))

  readonly hash = $derived(this.#url.hash)

  start(): void {
    addEventListener('popstate', () => (this.#url = new URL(location.href)))
    document.addEventListener('click', (event) => this.#follow(event))
  }

  go(to: string, { replace = false } = {}): void {
    const url = new URL(to, location.href)
    if (url.href === this.#url.href) return
    if (!replace) this.onleave?.()
    history[replace ? 'replaceState' : 'pushState'](replace ? history.state : null, '', url)
    this.#url = url
  }

  /** The whole query, without the parts that are named; reactive. */
  searchBut(...names: string[]): string {
    const params = new URLSearchParams(this.#url.searchParams)
    for (const name of names) params.delete(name)
    params.sort()
    return params.toString().replaceAll('%2C', ',')
  }

  /** Notes where on this page one reads, for when one comes back; null forgets it. */
  keepPlace(place: number | null): void {
    history.replaceState(place === null ? null : { place }, '')
  }

  /** Where one read when one was here before. */
  get place(): number | null {
    const state: unknown = history.state
    const place = typeof state === 'object' && state !== null && 'place' in state ? state.place : null
    return typeof place === 'number' ? place : null
  }

  /** One value of the query; reactive. */
  query(name: string): string {
    return this.#url.searchParams.get(name) ?? ''
  }

  /** The list behind a comma-separated value of the query; reactive. */
  queryList(name: string): string[] {
    return this.query(name).split(',').filter(Boolean)
  }

  /** Changes parts of the query in place; empty or null removes. Filters do not fill the history. */
  setQuery(changes: Record<string, string | string[] | number | null>, { push = false } = {}): void {
    const url = new URL(this.#url)
    for (const [name, value] of Object.entries(changes)) {
      const text = Array.isArray(value) ? value.join(',') : String(value ?? '')
      if (text) url.searchParams.set(name, text)
      else url.searchParams.delete(name)
    }
    url.search = url.search.replaceAll('%2C', ',')
    this.go(url.href, { replace: !push })
  }

  /** Plain clicks on links within the page do not load it again. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
    if (!link.pathname.startsWith(base) || pathAt(link.pathname).startsWith('/api') || link.getAttribute('href')?.startsWith('#')) return
    event.preventDefault()
    this.go(link.href)
  }
}

export const router = new Router()
