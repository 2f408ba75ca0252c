/** One action by its id: for an address that names one which is not in the list. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { connection } from '../../net/connection.svelte'
import { joinQueue } from '../../net/socket'
import type { ActionRow } from '../../net/wire'

export class OneAction {
  row = $state.raw<ActionRow>()
  problem = $state.raw<ApiProblem | null>(null)

  /** Reads and follows it until the returned function is called; '' is none. */
  open(actionId: string): (() => void) | undefined {
    this.row = undefined
    this.problem = null
    void connection.returns
    if (!actionId) return undefined
    const stop = new AbortController()
    api.action(actionId, stop.signal).then(
      (row) => (this.row = row),
      (error: unknown) => {
        if (!isAbort(error)) this.problem = asProblem(error)
      },
    )
    const leave = joinQueue({
      event: ({ changed }) => (this.row = changed.find((row) => row.action_id === actionId) ?? this.row),
      poll: async () => (this.row = await api.action(actionId, stop.signal)),
    })
    return () => {
      leave()
      stop.abort()
    }
  }
}
