/** The notes that people have pinned to rows of a session's log. */

import { api } from '../../../net/api'
import { joinQueue } from '../../../net/socket'
import type { Note } from '../../../net/wire'

export class SessionNotes {
  #bySeq = $state.raw<ReadonlyMap<number, Note[]>>(new Map())
  #stop = new AbortController()
  #leave: () => void

  constructor(readonly sessionId: string) {
    const load = (): Promise<void> => this.load()
    this.#leave = joinQueue({
      joined: () => void load(),
      event: ({ changed }) => {
        if (changed.some(({ type, session_id, outcome }) => type === 'note_add' && session_id === sessionId && outcome === 'applied')) void load()
      },
      head: () => void load(),
      poll: load,
    })
    void load()
  }

  of(seq: number): readonly Note[] {
    return this.#bySeq.get(seq) ?? []
  }

  async load(): Promise<void> {
    try {
      const { items } = await api.notes(this.sessionId, this.#stop.signal)
      const bySeq = new Map<number, Note[]>()
      for (const note of items) bySeq.set(note.seq, [...(bySeq.get(note.seq) ?? []), note])
      this.#bySeq = bySeq
    } catch {
      // Those that are here were true; the next change asks again.
    }
  }

  close(): void {
    this.#leave()
    this.#stop.abort()
  }
}
