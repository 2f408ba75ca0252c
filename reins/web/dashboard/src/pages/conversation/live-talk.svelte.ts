/** The text of the persona that composes, as far as it is written, from the room of its session. */

import { StreamedText } from '../../net/streamed-text.svelte'
import { joinRun } from '../../net/socket'
import type { Participant } from '../../net/wire'

/** A persona that has nothing to add answers with this word alone. */
const PASS = 'PASS'

export class LiveTalk {
  #streamed = new StreamedText()

  /** Empty while nothing is known of it. */
  readonly text = $derived(PASS.startsWith(this.#streamed.text.trim()) ? '' : this.#streamed.text)

  /** Listens to one persona; returns what ends it. */
  listen({ agent_id, session_id }: Participant): () => void {
    const leave = joinRun(agent_id, session_id, {
      // Its log is of no concern here.
      afterSeq: () => Number.MAX_SAFE_INTEGER,
      asked: () => this.#streamed.ask(),
      joined: ({ typing, head }) => this.#streamed.begin(typing, head),
      typing: (event) => this.#streamed.hear(event, 0),
      event: () => undefined,
    })
    return () => {
      leave()
      this.#streamed.forget()
    }
  }
}
