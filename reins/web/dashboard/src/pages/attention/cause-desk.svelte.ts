/** One cause on the Attention page: whom it concerns, what was done about it here, and what can be. */

import { SvelteSet } from 'svelte/reactivity'
import { api, asProblem, type ApiProblem } from '../../net/api'
import { fleet } from '../../state/fleet.svelte'
import { guideMany, restartTicks } from '../../steering/requests'
import { chosen, type Chosen } from '../sessions/chosen'
import { CauseAct, type ActName } from './cause-act.svelte'
import type { Concern, Held, RouteCheck } from '../../net/wire'

export class CauseDesk {
  /** As it was last; it stays so once it is over. */
  concern: Concern = $state.raw() as Concern
  over = $state(false)
  open = $state(false)
  /** Whom the question is about, as they were when it was asked. */
  asked = $state.raw<Chosen | null>(null)
  amount = $state<number | null>(null)
  trying = $state(false)
  tried = $state.raw<RouteCheck | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  acts = $state.raw<CauseAct[]>([])
  /** Sessions that the acts leave out. */
  readonly out = new SvelteSet<string>()

  constructor(
    readonly id: string,
    readonly number: number,
    concern: Concern,
  ) {
    this.take(concern)
  }

  take(concern: Concern): void {
    const isMore = this.concern === undefined || (concern.raise_to ?? 0) > (this.concern.raise_to ?? 0)
    this.concern = concern
    this.over = false
    if (isMore) this.amount = concern.raise_to
  }

  readonly chosen: string[] = $derived(this.over ? [] : this.concern.sessions.map(({ session_id }) => session_id).filter((id) => !this.out.has(id)))

  /** The limit that holds them, as one of them has it. */
  get held(): Held | null {
    return this.concern.sessions.map(({ session_id }) => fleet.get(session_id)?.held ?? null).find((each) => each !== null) ?? null
  }

  readonly may: readonly ActName[] = $derived(MAY[this.concern.kind])

  ask(): void {
    if (this.chosen.length > 0) this.asked = chosen(this.chosen)
  }

  act(name: ActName, ids: readonly string[] = this.chosen): void {
    this.asked = null
    if (ids.length === 0 || !this.may.includes(name)) return
    if (name === 'Raise') return this.raise()
    this.#done(new CauseAct(name, [...ids], name === 'Give up the tick' ? restartTicks : undefined))
  }

  raise(): void {
    const { held, amount } = this
    if (!held || held.scope === 'worker' || amount === null || this.chosen.length === 0) return
    const limit = held.what === 'ticks' || held.what === 'tokens' ? Math.ceil(amount) : amount
    const guidance = { type: 'set_budget', scope: held.scope, [held.what]: limit }
    this.#done(new CauseAct('Raise', this.chosen, (request, ids) => guideMany(request, ids, guidance)))
  }

  /** The newest act that can still be taken back. */
  readonly undoable: CauseAct | undefined = $derived(this.acts.find(({ undoable }) => undoable.length > 0))

  undo(): void {
    const act = this.undoable
    if (act) this.#done(new CauseAct(act.name === 'Destroy' ? 'Undo destroy' : 'Undo pause', act.undoable))
  }

  async tryRoute(): Promise<void> {
    const { route } = this.concern
    if (route === null || this.trying) return
    this.trying = true
    this.problem = null
    try {
      this.tried = await api.checkRoute(route)
    } catch (error) {
      this.problem = asProblem(error)
    }
    this.trying = false
  }

  #done(act: CauseAct): void {
    this.acts = [act, ...this.acts]
  }
}

const MAY: Record<Concern['kind'], readonly ActName[]> = {
  asking: [],
  failed: ['Resume', 'Destroy'],
  failing: ['Resume', 'Pause'],
  hanging: ['Give up the tick'],
  held: ['Raise'],
  stuck: ['Resume', 'Destroy'],
  contradicted: ['Pause', 'Destroy'],
  retrying: ['Resume', 'Pause', 'Destroy'],
}
