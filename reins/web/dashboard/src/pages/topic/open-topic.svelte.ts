/** The topic whose page is open: its messages, and what subscribers could not use. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { DeadLetter, Subscriber, TopicBounds } from '../../net/wire'
import { conversationOf, TopicLog } from './topic-log.svelte'

const RETRY_AFTER_MS = 3000
const READERS_EVERY_MS = 3000
const PAGE = 100
const NOT_FOUND = 404

export class OpenTopic {
  log = $state.raw<TopicLog | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** Nothing was published there; something may yet be. */
  unknown = $state(false)
  subscribers = $state.raw<Subscriber[] | null>(null)
  bounds = $state.raw<TopicBounds | null>(null)
  letters = $state.raw<DeadLetter[]>([])
  /** There are more than were asked for. */
  moreLetters = $state(false)
  readersProblem = $state.raw<ApiProblem | null>(null)
  #pages = 1
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #readersTimer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly topic: string) {
    void this.load()
  }

  async load(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const { messages } = await api.conversation(conversationOf(this.topic), this.#stop.signal)
      this.problem = null
      this.unknown = false
      this.#open(messages)
    } catch (error) {
      if (isAbort(error)) return
      const problem = asProblem(error)
      this.unknown = problem.status === NOT_FOUND
      this.problem = this.unknown ? null : problem
      if (!this.unknown) this.#timer = setTimeout(() => void this.load(), RETRY_AFTER_MS)
    }
  }

  /** Who listens, and what they could not use. */
  async readReaders(): Promise<void> {
    clearTimeout(this.#readersTimer)
    try {
      if (!document.hidden) await Promise.all([this.#readLetters(), this.#readSubscribers()])
      this.readersProblem = null
    } catch (error) {
      if (isAbort(error)) return
      this.readersProblem = asProblem(error)
    }
    clearTimeout(this.#readersTimer)
    if (!this.#stop.signal.aborted) this.#readersTimer = setTimeout(() => void this.readReaders(), READERS_EVERY_MS)
  }

  showMoreLetters(): void {
    this.#pages += 1
    void this.readReaders()
  }

  close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#readersTimer)
    this.#stop.abort()
    this.log?.close()
  }

  #open(newest: number): void {
    if (this.log || this.#stop.signal.aborted) return
    const log = new TopicLog(this.topic)
    log.open(newest)
    this.log = log
    void this.readReaders()
  }

  async #readSubscribers(): Promise<void> {
    const { items, bounds } = await api.subscribers(this.topic, this.#stop.signal)
    this.subscribers = items
    this.bounds = bounds
  }

  /** What was replayed here stays in sight, with what became of it. */
  async #readLetters(): Promise<void> {
    const found = new Map<string, DeadLetter>()
    let cursor: string | null = null
    for (let page = 0; page < this.#pages; page++) {
      const { items, next_cursor } = await api.deadLetters(this.topic, { limit: PAGE, cursor, replayed: true }, this.#stop.signal)
      for (const each of items) found.set(each.letter_id, each)
      cursor = next_cursor
      if (cursor === null) break
    }
    this.moreLetters = cursor !== null
    this.letters = [...found.values()].sort((one, other) => (one.buried_at < other.buried_at ? 1 : -1))
  }
}
