/** The filters of the Queue page, as the URL has them. */

import { matches } from '../../ui/match'
import { router } from '../../shell/router.svelte'
import type { ActionRow, Outcome } from '../../net/wire'

export const OUTCOMES = ['queued', 'applied', 'rejected'] as const satisfies Outcome[]

export const queueFilters = {
  get state(): Outcome | null {
    return OUTCOMES.find((each) => each === router.query('state')) ?? null
  },
  get type(): string {
    return router.query('type')
  },
  get session(): string {
    return router.query('session')
  },
  get text(): string {
    return router.query('q').trim()
  },
  get any(): boolean {
    return this.state !== null || this.type !== '' || this.session !== '' || this.text !== ''
  },
  clear(): void {
    router.setQuery({ state: null, type: null, session: null, q: null })
  },
}

const texts = new WeakMap<ActionRow, string>()

/** True where every word occurs in what the row says, its payload included. */
export function says(row: ActionRow, wanted: string): boolean {
  let text = texts.get(row)
  if (text === undefined) {
    const { action_id, type, agent_id, session_id, actor, description, error, payload, metadata } = row
    text = [action_id, type, agent_id, session_id, actor, description, error, JSON.stringify(payload), JSON.stringify(metadata)].join(' ')
    texts.set(row, text)
  }
  return matches(text, wanted)
}
