/** The messages of one conversation, and the room that sends them. */

import { api, ApiProblem } from '../../net/api'
import { NumberedRows } from '../../net/numbered-rows.svelte'
import { joinConversation, type ConversationEvent } from '../../net/socket'
import type { Conversation, ConversationJoined, Message, Participant } from '../../net/wire'

/** The events of the room besides messages. */
interface Hearing {
  participants: (changed: Participant[]) => void
  composing: (sessionId: string | null) => void
  /** This one has just spoken. */
  spoke: (sessionId: string) => void
  /** Its rules are these now. */
  rules: (rules: Conversation) => void
  /** So many messages of personas have come without a person's. */
  counted: (withoutPerson: number) => void
  /** Messages have come, oldest first. */
  said: (rows: Message[]) => void
  /** Something was missed, and not only messages. */
  missed: () => void
}

export class Transcript extends NumberedRows<Message> {
  constructor(
    readonly conversationId: string,
    readonly hearing: Hearing,
  ) {
    super()
  }

  protected override numberOf(message: Message): number {
    return message.number
  }

  protected override join(): () => void {
    return joinConversation(this.conversationId, {
      after: () => this.last,
      joined: (answer) => this.#joined(answer),
      event: (event) => this.#heard(event),
      head: ({ head }) => {
        this.live([], head)
        this.hearing.missed()
      },
      poll: async () => {
        const { participants, composing, messages, ...rules } = await api.conversation(this.conversationId, this.closed)
        this.hearing.participants(participants)
        this.hearing.composing(composing)
        this.hearing.rules({ ...rules, messages, participants: participants.length })
        this.hearing.counted(rules.without_person)
        this.live([], messages)
      },
      refused: ({ status, title, detail }) => (this.problem = new ApiProblem(status, title, detail)),
    })
  }

  protected override async read(after: number, limit: number, signal: AbortSignal): Promise<Message[]> {
    return (await api.messages(this.conversationId, { after, limit }, signal)).items
  }

  #joined({ rows, head, participants, composing, conversation, without_person }: ConversationJoined): void {
    this.hearing.participants(participants)
    this.hearing.rules(conversation)
    this.hearing.counted(without_person)
    this.hearing.composing(composing)
    this.live(rows, head)
  }

  #heard(event: ConversationEvent): void {
    if ('rules' in event) return this.hearing.rules(event.rules)
    if ('changed' in event) return this.hearing.participants(event.changed)
    if ('session_id' in event) return this.hearing.composing(event.session_id)
    this.live(event.rows, event.rows.at(-1)?.number ?? 0)
    this.hearing.said(event.rows)
    for (const { session_id } of event.rows) if (session_id !== null) this.hearing.spoke(session_id)
  }
}
