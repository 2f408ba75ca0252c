/** The messages of one topic, and the room that sends them. */

import { api, ApiProblem } from '../../net/api'
import { NumberedRows } from '../../net/numbered-rows.svelte'
import { joinConversation } from '../../net/socket'
import type { Json, Message } from '../../net/wire'

/** The conversation that has a topic's messages. */
export const conversationOf = (topic: string): string => `topic:${topic}`

export class TopicLog extends NumberedRows<Message> {
  readonly #conversationId: string

  constructor(topic: string) {
    super()
    this.#conversationId = conversationOf(topic)
  }

  protected override numberOf({ number }: Message): number {
    return number
  }

  protected override join(): () => void {
    return joinConversation(this.#conversationId, {
      after: () => this.last,
      joined: ({ rows, head }) => this.live(rows, head),
      event: (event) => {
        if ('rows' in event) this.live(event.rows, event.rows.at(-1)?.number ?? 0)
      },
      head: ({ head }) => this.live([], head),
      poll: async () => this.live([], (await api.conversation(this.#conversationId, this.closed)).messages),
      refused: ({ status, title, detail }) => (this.problem = new ApiProblem(status, title, detail)),
    })
  }

  protected override async read(after: number, limit: number, signal: AbortSignal): Promise<Message[]> {
    return (await api.messages(this.#conversationId, { after, limit }, signal)).items
  }
}

/** The message as it was published; undefined where it is a text. */
export function jsonOf({ text, metadata }: Message): Json | undefined {
  if (metadata?.['json'] !== true) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined // it was cut on its way, and is shown as far as it is here
  }
}
