/** The demonstration: an agent that tells jokes, and three voices that talk about a question. */

import { actor } from '../../steering/actor.svelte'
import { conversationPath, router } from '../../shell/router.svelte'
import { createConversation, createSessions, postMessage } from '../../steering/requests'
import { Request } from '../../steering/request.svelte'
import { ApiProblem } from '../../net/api'

const EXISTS = 409
const LOOK_MS = 50
const CONVERSATION = 'demonstration'
const TITLE = 'A rainy Sunday'
const QUESTION = 'It rains, and it is Sunday. What should we do with the day?'
const JOKER = { agent_id: 'joker', agent_type: 'joke', config: { subject: 'rain' } }
const VOICES = [
  { name: 'Mara', tone: 'noir', about: 'a night owl who trusts no plan' },
  { name: 'Finn', tone: 'cheerful', about: 'a sailor who never minds the weather' },
  { name: 'Ada', tone: 'precise', about: 'an engineer who likes lists' },
]

export class Demonstration {
  busy = $state(false)
  problem = $state.raw<ApiProblem | null>(null)
  // Each keeps its key, so that a second try does nothing twice.
  #room = new Request(true)
  #voices = new Request(true)
  #question = new Request(true)

  /** All of it is asked for in order; the conversation's page shows the rest. */
  async start(): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.problem = null
    if (await this.#asked()) router.go(conversationPath(CONVERSATION))
    else this.problem ??= this.#room.problem ?? this.#voices.problem ?? this.#question.problem
    this.busy = false
  }

  async #asked(): Promise<boolean> {
    if ((await actor.named()) === null) return false
    if (!(await this.#hasRoom())) return false
    const voices = VOICES.map((voice) => ({
      agent_id: voice.name.toLowerCase(),
      agent_type: 'persona',
      config: { ...voice, conversation_id: CONVERSATION },
    }))
    if (!(await createSessions(this.#voices, [JOKER, ...voices]))) return false
    return (await postMessage(this.#question, CONVERSATION, QUESTION)) !== null
  }

  /** Personas come into a conversation that is on record; one that is there already will do. */
  async #hasRoom(): Promise<boolean> {
    if (!(await createConversation(this.#room, CONVERSATION, TITLE))) return this.#room.problem?.status === EXISTS
    while (this.#room.receipt?.outcome === 'queued' && !this.#room.late) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    if (this.#room.receipt?.outcome === 'queued') this.problem = new ApiProblem(-1, 'No worker has taken it up yet', 'It is kept. Start a worker, and then the demonstration again.')
    return this.#room.receipt?.outcome === 'applied'
  }
}
