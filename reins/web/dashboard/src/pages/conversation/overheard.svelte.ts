/** What the persona that composes has written so far: overheard from the room of its session. */

import { Ghost } from '../session/ghost.svelte'
import { joinRun } from '../../net/socket'
import type { Participant } from '../../net/wire'

/** A persona that has nothing to add answers with this word alone. */
const PASS = 'PASS'

export class Overheard {
  #ghost = new Ghost()

  /** Empty while nothing is known of it. */
  readonly text = $derived(PASS.startsWith(this.#ghost.text.trim()) ? '' : this.#ghost.text)

  /** Listens to one persona; returns what ends it. */
  listen({ agent_id, session_id }: Participant): () => void {
    const leave = joinRun(agent_id, session_id, {
      // Its log is of no concern here.
      afterSeq: () => Number.MAX_SAFE_INTEGER,
      joined: ({ typing, head }) => this.#ghost.begin(typing, head),
      typing: (event) => this.#ghost.hear(event, 0),
      event: () => undefined,
      head: () => this.#ghost.forget(),
    })
    return () => {
      leave()
      this.#ghost.forget()
    }
  }
}
