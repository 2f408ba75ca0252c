/** The log of one session. */

import { api, ApiProblem } from '../../net/api'
import { StreamedText } from '../../net/streamed-text.svelte'
import { NumberedRows } from '../../net/numbered-rows.svelte'
import { joinRun } from '../../net/socket'
import type { LogKind, LogRow, SessionSummary } from '../../net/wire'

/** Rows that a tick ends with: they say what was typed before them. */
const ENDINGS: readonly LogKind[] = ['intent', 'tick', 'error', 'final']

export class SessionLog extends NumberedRows<LogRow> {
  /** The newest summary that came with the log. */
  session = $state.raw<SessionSummary | null>(null)
  readonly streamed = new StreamedText()

  constructor(
    readonly agentId: string,
    readonly sessionId: string,
  ) {
    super()
    this.onRows((rows) => {
      const ending = rows.findLast(({ kind }) => ENDINGS.includes(kind))
      if (ending) this.streamed.replace(ending.seq)
    })
  }

  protected override numberOf(row: LogRow): number {
    return row.seq
  }

  protected override join(): () => void {
    return joinRun(this.agentId, this.sessionId, {
      afterSeq: () => this.last,
      asked: () => this.streamed.ask(),
      joined: ({ head, rows, session, typing }) => {
        this.#live(rows, head, session)
        this.streamed.begin(typing, this.head)
      },
      typing: (event) => this.streamed.hear(event, this.head),
      event: ({ rows, session }) => this.#live(rows, rows.at(-1)?.seq ?? 0, session),
      poll: async () => {
        const session = await api.session(this.sessionId, this.closed)
        this.#live([], session.seq, session)
      },
      refused: ({ status, title, detail }) => (this.problem = new ApiProblem(status, title, detail)),
    })
  }

  protected override async read(after_seq: number, limit: number, signal: AbortSignal): Promise<LogRow[]> {
    return (await api.steps(this.sessionId, { after_seq, limit, brief: true }, signal)).items
  }

  protected override readEach(seqs: number[], signal: AbortSignal): Promise<LogRow[]> {
    return api.stepsAt(this.sessionId, seqs, signal)
  }

  #live(rows: LogRow[], head: number, session: SessionSummary): void {
    if (session.seq >= (this.session?.seq ?? 0)) this.session = session
    this.live(rows, head)
  }

  override close(): void {
    super.close()
    this.streamed.forget()
  }
}
