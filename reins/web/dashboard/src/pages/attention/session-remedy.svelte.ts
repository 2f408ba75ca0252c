/** The acts on sessions from the Attention page, and their outcomes. */

import { SvelteMap } from 'svelte/reactivity'
import { Request } from '../../steering/request.svelte'
import { steer } from '../../steering/requests'
import { fleet, needsPerson } from '../../state/fleet.svelte'
import type { SessionSummary, Verb } from '../../net/wire'

interface Remedy {
  verb: Verb
  request: Request
  /** As it was when the person acted: it keeps its place by this, so that no other line moves there. */
  was: SessionSummary
}

export class Remedies {
  #bySession = new SvelteMap<string, Remedy>()

  act(verb: Verb, session: SessionSummary): void {
    const id = session.session_id
    const known = this.#bySession.get(id)
    if (known?.request.busy) return
    const { request, was } = known ?? { request: new Request(), was: session }
    this.#bySession.set(id, { verb, request, was })
    void steer(request, verb, id)
  }

  of(sessionId: string): Remedy | undefined {
    return this.#bySession.get(sessionId)
  }

  /** The sessions of a kind, with those that were of it when they were acted on, in the places they had. */
  held(
    sessions: SessionSummary[],
    wereOfIt: (was: SessionSummary) => boolean,
    order: (a: SessionSummary, b: SessionSummary) => number,
  ): SessionSummary[] {
    const placed = new Map(sessions.map((each) => [each.session_id, each]))
    for (const [id, { was }] of this.#bySession) {
      const now = fleet.get(id)
      // One that needs a person for another reason by now is listed there.
      if (wereOfIt(was) && now && (wereOfIt(now) || !needsPerson(now))) placed.set(id, was)
    }
    return [...placed.values()].sort(order).map((each) => fleet.get(each.session_id) ?? each)
  }
}
