/** The topic whose page is open: its messages, and what subscribers could not use. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { DeadLetter } from '../../net/wire'
import { conversationOf, TopicLog } from './topic-log.svelte'

const RETRY_AFTER_MS = 3000
const LETTERS_EVERY_MS = 3000
const PAGE = 100
const NOT_FOUND = 404

export class OpenTopic {
  log = $state.raw<TopicLog | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** Nothing was published there; something may yet be. */
  unknown = $state(false)
  letters = $state.raw<DeadLetter[]>([])
  /** There are more than were asked for. */
  moreLetters = $state(false)
  lettersProblem = $state.raw<ApiProblem | null>(null)
  #pages = 1
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lettersTimer: ReturnType<typeof setTimeout> | undefined

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

  async readLetters(): Promise<void> {
    clearTimeout(this.#lettersTimer)
    try {
      if (!document.hidden) await this.#readLetters()
      this.lettersProblem = null
    } catch (error) {
      if (isAbort(error)) return
      this.lettersProblem = asProblem(error)
    }
    clearTimeout(this.#lettersTimer)
    if (!this.#stop.signal.aborted) this.#lettersTimer = setTimeout(() => void this.readLetters(), LETTERS_EVERY_MS)
  }

  showMoreLetters(): void {
    this.#pages += 1
    void this.readLetters()
  }

  close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#lettersTimer)
    this.#stop.abort()
    this.log?.close()
  }

  #open(newest: number): void {
    if (this.log || this.#stop.signal.aborted) return
    const log = new TopicLog(this.topic)
    log.open(newest)
    this.log = log
    void this.readLetters()
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
