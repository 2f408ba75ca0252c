/** What calls cost, failed and waited since the viewer's midnight, read again while somebody looks. */

import { untrack } from 'svelte'
import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { clock, formatCost, formatCount, formatMs } from '../../ui/time.svelte'
import type { UsageNow, UsageSums } from '../../net/wire'

const EVERY_MS = 10_000
const HOUR_MS = 3_600_000

export const BY = ['route', 'type', 'conversation', 'session'] as const
export type By = (typeof BY)[number]

interface Span {
  name: string
  /** Before the number: "Spent today $3.83". */
  said: string
  days: number
  step: 'hour' | 'day'
}
export const SPANS = {
  today: { name: 'today', said: 'today', days: 1, step: 'hour' },
  week: { name: '7 days', said: 'in 7 days', days: 7, step: 'day' },
  month: { name: '30 days', said: 'in 30 days', days: 30, step: 'day' },
} as const satisfies Record<string, Span>
export type SpanName = keyof typeof SPANS

export const isBy = (text: string): text is By => (BY as readonly string[]).includes(text)
export const isSpan = (text: string): text is SpanName => text in SPANS

/** The viewer's midnight, with today as the last of so many days. */
function midnight(days: number): string {
  const at = new Date(clock.exact())
  at.setHours(0, 0, 0, 0)
  at.setDate(at.getDate() - days + 1)
  return at.toISOString()
}

export const failedShare = ({ failed, calls }: UsageSums): number => (calls === 0 ? 0 : failed / calls)

/** "0.4 %", "12 %"; nothing where nothing was called. */
export function formatShare(share: number): string {
  const percent = share * 100
  return `${percent > 0 && percent < 10 ? Math.max(0.1, percent).toFixed(1) : percent.toFixed(0)} %`
}

export interface Figure {
  name: string
  of: (sums: UsageSums) => number
  format: (sums: UsageSums) => string
  unit?: string
}
export const COST: Figure = { name: 'Spent', of: ({ cost_usd }) => cost_usd, format: ({ cost_usd }) => formatCost(cost_usd) }
export const CALLS: Figure = { name: 'Calls', of: ({ calls }) => calls, format: ({ calls }) => formatCount(calls) }
export const FAILED: Figure = { name: 'Failed', of: failedShare, format: (sums) => (sums.calls === 0 ? '–' : formatShare(failedShare(sums))) }
export const WAITING: Figure = {
  name: 'Waiting',
  of: ({ wait_p95_ms }) => wait_p95_ms ?? 0,
  format: ({ wait_p95_ms }) => formatMs(wait_p95_ms),
  unit: 'p95',
}

export class UsageView {
  found = $state.raw<UsageNow | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  /** What `found` answers, so that no name stands above another's figures. */
  shown = $state.raw<{ by: By; span: SpanName }>({ by: 'route', span: 'today' })

  /** Reads again and again until the returned function is called. */
  watch(by: By, span: SpanName): () => void {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = async (): Promise<void> => {
      if (!document.hidden || this.found === null) await this.#read(by, span, stop.signal)
      if (!stop.signal.aborted) timer = setTimeout(() => void again(), EVERY_MS)
    }
    untrack(() => void again())
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }

  /** One value for each step from the first to the one that is now; none was called: 0. */
  series(steps: (UsageSums & { at: string })[], figure: Figure): number[] {
    const { found } = this
    if (!found) return []
    const [since, step_ms] = [Date.parse(found.since), found.step_s * 1000]
    const count = Math.max(1, Math.ceil((Date.parse(found.until) - since) / step_ms))
    const values = new Array<number>(count).fill(0)
    // A day that is an hour longer or shorter moves the steps after it by that hour.
    for (const each of steps) values[Math.min(count - 1, Math.round((Date.parse(each.at) - since) / step_ms))] = figure.of(each)
    return values
  }

  get stepName(): string {
    return this.found && this.found.step_s * 1000 > HOUR_MS ? 'day' : 'hour'
  }

  async #read(by: By, span: SpanName, signal: AbortSignal): Promise<void> {
    const { days, step } = SPANS[span]
    try {
      const found = await api.usage({ since: midnight(days), by, step }, signal)
      this.found = found
      this.shown = { by, span }
      this.problem = null
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error)
    }
  }
}
