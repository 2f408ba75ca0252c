/** Pause, resume and destroy of the open session: what is possible, and the act itself. */

import { actor } from '../../steering/actor.svelte'
import { api, asProblem, type ApiProblem } from '../../net/api'
import { receipts } from '../../steering/receipts.svelte'
import type { Accepted, Status, Verb } from '../../net/wire'

export class Control {
  busy = $state(false)
  problem = $state.raw<ApiProblem | null>(null)

  constructor(readonly sessionId: string) {}

  /** Resolves to whether the server has accepted it. */
  async act(verb: Verb, reason = ''): Promise<boolean> {
    if (this.busy) return false
    this.busy = true
    this.problem = null
    try {
      receipts.track(await this.#send(verb, reason), reason ? `${verb}: ${reason}` : verb)
      return true
    } catch (error) {
      this.problem = asProblem(error)
      return false
    } finally {
      this.busy = false
    }
  }

  #send(verb: Verb, reason: string): Promise<Accepted> {
    if (verb === 'pause') return api.pause(this.sessionId, actor.name)
    if (verb === 'resume') return api.resume(this.sessionId, actor.name)
    return api.destroy(this.sessionId, actor.name, reason)
  }
}

/** What the button beside "Destroy" does now; null where nothing does. */
export function turnOf(status: Status): { verb: Verb; word: string; title: string } | null {
  if (status === 'running') return { verb: 'pause', word: 'Pause', title: 'No further tick until Resume; the one in flight ends first' }
  if (status === 'pausing' || status === 'paused') return { verb: 'resume', word: 'Resume', title: 'Tick again, at once' }
  if (status === 'failed') return { verb: 'resume', word: 'Run again', title: 'Begin again from its last good state' }
  return null
}
