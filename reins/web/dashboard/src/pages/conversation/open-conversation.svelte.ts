/** The conversation whose page is open: what is known of it, what was said, who takes part, who composes. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { fleet } from '../../state/fleet.svelte'
import { Transcript } from './transcript.svelte'
import type { Conversation, ConversationDetail, Participant } from '../../net/wire'

const RETRY_AFTER_MS = 3000
const NOT_FOUND = 404

export class OpenConversation {
  transcript = $state.raw<Transcript | null>(null)
  detail = $state.raw<ConversationDetail | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** The server says that there is none; it may yet be created. */
  unknown = $state(false)
  /** The session that is writing a reply; null when none is, or when that is not known. */
  composing = $state<string | null>(null)
  /** Messages of personas since a person's word. */
  withoutPerson = $state(0)
  #byId = $state.raw<ReadonlyMap<string, Participant>>(new Map())
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly conversationId: string) {
    void this.load()
  }

  readonly #everybody: Participant[] = $derived(
    [...this.#byId.values()].sort((one, other) => (one.joined_at < other.joined_at ? -1 : one.joined_at > other.joined_at ? 1 : one.name < other.name ? -1 : 1)),
  )
  readonly present: Participant[] = $derived(this.#everybody.filter(({ left_at }) => left_at === null))
  readonly gone: Participant[] = $derived(this.#everybody.filter(({ left_at }) => left_at !== null))

  participant(sessionId: string): Participant | undefined {
    return this.#byId.get(sessionId)
  }

  async load(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const detail = await api.conversation(this.conversationId, this.#stop.signal)
      this.detail = detail
      this.problem = null
      this.unknown = false
      this.#put(detail.participants)
      this.composing = detail.composing
      this.withoutPerson = detail.without_person
      this.#open(detail.messages)
    } catch (error) {
      if (isAbort(error)) return
      const problem = asProblem(error)
      this.unknown = problem.status === NOT_FOUND
      this.problem = this.unknown ? null : problem
      if (!this.unknown) this.#timer = setTimeout(() => void this.load(), RETRY_AFTER_MS)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
    this.transcript?.close()
  }

  #open(newest: number): void {
    if (this.transcript || this.#stop.signal.aborted) return
    const transcript = new Transcript(this.conversationId, {
      participants: (changed) => this.#put(changed),
      composing: (sessionId) => (this.composing = sessionId),
      spoke: (sessionId) => {
        if (this.composing === sessionId) this.composing = null
      },
      rules: (rules) => this.#obey(rules),
      counted: (withoutPerson) => (this.withoutPerson = withoutPerson),
      said: (rows) => {
        for (const each of rows) this.withoutPerson = each.session_id === null ? 0 : this.withoutPerson + 1
      },
      missed: () => void this.load(),
    })
    transcript.open(newest)
    this.transcript = transcript
  }

  #obey({ title, pace, ceiling, paused_by, ended_by, counted_from }: Conversation): void {
    if (!this.detail) return
    if (counted_from !== this.detail.counted_from) this.withoutPerson = Math.max(0, (this.transcript?.head ?? counted_from) - counted_from)
    this.detail = { ...this.detail, title, pace, ceiling, paused_by, ended_by, counted_from }
  }

  /** Of each the newer is kept: answers and events come in any order. */
  #put(changed: Participant[]): void {
    const byId = new Map(this.#byId)
    for (const each of changed) {
      const known = byId.get(each.session_id)
      if (!known || known.seq <= each.seq) byId.set(each.session_id, each)
    }
    this.#byId = byId
  }
}

/** A participant with the status and the error of whoever knows the newer: the room, or the list of sessions. */
export function upToDate(participant: Participant): Participant {
  const listed = fleet.get(participant.session_id)
  if (!listed || listed.seq < participant.seq) return participant
  return { ...participant, status: listed.status, error: listed.error }
}
