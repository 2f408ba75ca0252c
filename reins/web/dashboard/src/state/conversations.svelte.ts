/** The conversations, newest activity first: live as long as somebody looks. */

import { untrack } from 'svelte'
import { api, asProblem, type ApiProblem } from '../net/api'
import { connection } from '../net/connection.svelte'
import { FrameSignal } from '../net/frame.svelte'
import { joinConversations } from '../net/socket'
import type { Conversation, Page } from '../net/wire'

const PAGE = 1000
const AGAIN_AFTER_MS = 2000

class Conversations {
  #byId = new Map<string, Conversation>()
  #sorted: Conversation[] | null = []
  #signal = new FrameSignal()
  #watchers = 0
  #loading = false
  #stale = false
  #leave: (() => void) | null = null

  /** True once the whole list was read; it stays true while a later reading goes on. */
  loaded = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  /** Follows them until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1
    this.#leave ??= joinConversations({
      joined: () => void this.load(),
      event: ({ changed }) => {
        for (const each of changed) this.#put(each)
      },
      head: () => void this.load(),
      poll: () => this.load(),
    })
    // The list is worth showing while the socket is still on its way.
    if (!untrack(() => connection.up)) void this.load()
    return () => {
      this.#watchers -= 1
      if (this.#watchers > 0) return
      this.#leave?.()
      this.#leave = null
    }
  }

  /** Those with the newest activity first; a new array after each change. */
  get rows(): Conversation[] {
    void this.#signal.version
    return (this.#sorted ??= [...this.#byId.values()].sort(byActivity))
  }

  get(conversationId: string): Conversation | undefined {
    void this.#signal.version
    return this.#byId.get(conversationId)
  }

  /** Reads the list again; asked for during a reading, once more afterwards. */
  async load(): Promise<void> {
    this.#stale = true
    if (this.#loading) return
    this.#loading = true
    while (this.#stale && this.#watchers > 0) {
      this.#stale = false
      try {
        await this.#readAll()
        this.problem = null
        this.loaded = true
      } catch (error) {
        this.problem = asProblem(error)
        this.#stale = true
        await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
      }
    }
    this.#loading = false
  }

  async #readAll(): Promise<void> {
    let cursor: string | null = null
    do {
      const page: Page<Conversation> = await api.conversations({ limit: PAGE, cursor })
      for (const each of page.items) this.#put(each)
      cursor = page.next_cursor
    } while (cursor !== null)
    this.#signal.changed()
  }

  /** An answer may be older than an event: what was said stays said. */
  #put(conversation: Conversation): void {
    const known = this.#byId.get(conversation.conversation_id)
    if (known && known.messages > conversation.messages) return
    this.#byId.set(conversation.conversation_id, conversation)
    this.#sorted = null
    this.#signal.changed()
  }
}

/** When something last happened in it. */
export const activityOf = (conversation: Conversation): string => conversation.last_message_at ?? conversation.created_at

/** The title, or the id of a conversation without one. */
export const titleOf = ({ title, conversation_id }: Pick<Conversation, 'title' | 'conversation_id'>): string => title || conversation_id

const byActivity = (one: Conversation, other: Conversation): number => {
  const [a, b] = [activityOf(one), activityOf(other)]
  if (a === b) return one.conversation_id < other.conversation_id ? -1 : 1
  return a < b ? 1 : -1
}

export const conversations = new Conversations()
