/** What a person does about sessions on the Attention page, and what became of it. */

import { SvelteMap } from 'svelte/reactivity'
import { actor } from '../../steering/actor.svelte'
import { api, asProblem, type ApiProblem } from '../../net/api'
import { receipts, type Receipt } from '../../steering/receipts.svelte'
import { fleet, needsPerson } from '../../state/fleet.svelte'
import type { SessionSummary, Verb } from '../../net/wire'

interface Remedied {
  verb: Verb
  actionId: string | null
  problem: ApiProblem | null
  isSending: boolean
  /** As it was when the person acted: it keeps its place by this, so that no other line moves there. */
  was: SessionSummary
}

export class Remedies {
  #bySession = new SvelteMap<string, Remedied>()

  async act(verb: Verb, session: SessionSummary): Promise<void> {
    const id = session.session_id
    const known = this.#bySession.get(id)
    if (known?.isSending) return
    const remedied: Remedied = { verb, actionId: null, problem: null, isSending: true, was: known?.was ?? session }
    this.#bySession.set(id, remedied)
    try {
      const accepted = await api[verb](id, actor.name)
      receipts.track(accepted, verb)
      this.#bySession.set(id, { ...remedied, isSending: false, actionId: accepted.action_id })
    } catch (error) {
      this.#bySession.set(id, { ...remedied, isSending: false, problem: asProblem(error) })
    }
  }

  of(sessionId: string): (Remedied & { receipt: Receipt | undefined }) | undefined {
    const found = this.#bySession.get(sessionId)
    return found && { ...found, receipt: found.actionId === null ? undefined : receipts.get(found.actionId) }
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
