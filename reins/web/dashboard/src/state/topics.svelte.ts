/** The topics by name, read again every few seconds as long as somebody looks; the rate of each is counted here. */

import { untrack } from 'svelte'
import { api, asProblem, type ApiProblem } from '../net/api'
import { connection } from '../net/connection.svelte'
import type { Page, TopicRow } from '../net/wire'

const PAGE = 1000
const EVERY_MS = 2_000
/** After a reading that took long the next one comes this many times later. */
const SHARE = 8
const MINUTE_MS = 60_000
/** A rate of less time would be a guess. */
const LEAST_MS = 5_000

interface Look {
  at: number
  messages: ReadonlyMap<string, number>
}

class Topics {
  rows = $state.raw<TopicRow[]>([])
  /** True once the whole list was read; it stays true while a later reading goes on. */
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  #byName = $state.raw<ReadonlyMap<string, TopicRow>>(new Map())
  /** Of the last minute, the oldest first. */
  #looks = $state.raw<Look[]>([])
  #watchers = 0
  #reading = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Follows them until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1
    if (this.#watchers === 1) {
      this.#looks = []
      void this.load()
    }
    return () => {
      this.#watchers -= 1
      if (this.#watchers === 0) clearTimeout(this.#timer)
    }
  }

  get(topic: string): TopicRow | undefined {
    return this.#byName.get(topic)
  }

  /** Messages within a minute, by what came while somebody looked; null while that is too short a time. */
  perMinute(topic: string): number | null {
    const [first] = this.#looks
    const last = this.#looks.at(-1)
    if (!first || !last || last.at - first.at < LEAST_MS) return null
    const came = (last.messages.get(topic) ?? 0) - (first.messages.get(topic) ?? 0)
    return (came * MINUTE_MS) / (last.at - first.at)
  }

  async load(): Promise<void> {
    if (this.#reading) return
    clearTimeout(this.#timer)
    this.#reading = true
    const began = performance.now()
    try {
      if (!document.hidden && (untrack(() => connection.up) || !this.loaded)) await this.#readAll()
    } catch (error) {
      this.problem = asProblem(error)
    }
    this.#reading = false
    const took = performance.now() - began
    clearTimeout(this.#timer)
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.load(), Math.max(EVERY_MS, took * SHARE))
  }

  async #readAll(): Promise<void> {
    const rows: TopicRow[] = []
    let cursor: string | null = null
    do {
      const page: Page<TopicRow> = await api.topics({ limit: PAGE, cursor })
      rows.push(...page.items)
      cursor = page.next_cursor
    } while (cursor !== null)
    const now = performance.now()
    const recent = this.#looks.filter(({ at }) => at >= now - MINUTE_MS - EVERY_MS)
    this.#looks = [...recent, { at: now, messages: new Map(rows.map((each) => [each.topic, each.messages])) }]
    this.#byName = new Map(rows.map((each) => [each.topic, each]))
    this.rows = rows
    this.problem = null
    this.loaded = true
  }
}

export const topics = new Topics()
