/** The answer to the statement that was run last; it stays until the next one is here. */

import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import type { SqlResult, SqlState } from '../../net/wire'

export const SHOWN_ROWS = 500

export class Asking {
  known = $state.raw<SqlState | null>(null)
  result = $state.raw<SqlResult | null>(null)
  /** The statement that the result is of. */
  statement = $state('')
  problem = $state.raw<ApiProblem | null>(null)
  busy = $state<'' | 'running' | 'csv'>('')
  #closing = new AbortController()
  #going: AbortController | null = null

  async read(): Promise<void> {
    try {
      this.known = await api.sqlState(this.#closing.signal)
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
  }

  run(statement: string): Promise<void> {
    return this.#do('running', statement, async (signal) => {
      this.result = await api.sql({ statement, rows: SHOWN_ROWS }, signal)
      this.statement = statement
    })
  }

  /** Gives the result to the browser as a file, with all rows that may be had. */
  save(): Promise<void> {
    return this.#do('csv', this.statement, async (signal) => {
      const url = URL.createObjectURL(await api.sqlFile({ statement: this.statement }, signal))
      const link = document.createElement('a')
      link.href = url
      link.download = 'result.csv'
      link.click()
      URL.revokeObjectURL(url)
    })
  }

  /** The server ends a statement that nobody waits for. */
  cancel(): void {
    this.#going?.abort()
    this.busy = ''
  }

  close(): void {
    this.#closing.abort()
    this.#going?.abort()
  }

  async #do(what: 'running' | 'csv', statement: string, ask: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!statement.trim()) return
    this.#going?.abort()
    const going = (this.#going = new AbortController())
    this.busy = what
    this.problem = null
    try {
      await ask(going.signal)
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
    }
    if (going === this.#going) this.busy = ''
  }
}
