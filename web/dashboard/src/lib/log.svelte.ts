/** The log of one session. */

import { api, ApiProblem } from './api'
import { Numbered } from './numbered.svelte'
import { joinRun } from './socket'
import type { LogRow, SessionSummary } from './wire'

export class SessionLog extends Numbered<LogRow> {
  /** The newest summary that came with the log. */
  session = $state.raw<SessionSummary | null>(null)

  constructor(
    readonly agentId: string,
    readonly sessionId: string,
  ) {
    super()
  }

  protected override numberOf(row: LogRow): number {
    return row.seq
  }

  protected override join(): () => void {
    return joinRun(this.agentId, this.sessionId, {
      afterSeq: () => this.last,
      joined: ({ head, rows, session }) => this.#live(rows, head, session),
      event: ({ rows, session }) => this.#live(rows, rows.at(-1)?.seq ?? 0, session),
      head: ({ head }) => this.live([], head),
      refused: ({ status, title, detail }) => (this.problem = new ApiProblem(status, title, detail)),
    })
  }

  protected override async read(after_seq: number, limit: number, signal: AbortSignal): Promise<LogRow[]> {
    return (await api.steps(this.sessionId, { after_seq, limit, brief: true }, signal)).items
  }

  #live(rows: LogRow[], head: number, session: SessionSummary): void {
    if (session.seq >= (this.session?.seq ?? 0)) this.session = session
    this.live(rows, head)
  }
}
