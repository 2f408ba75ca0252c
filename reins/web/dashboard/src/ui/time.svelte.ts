/** One ticking clock for every age on the page, and how figures are written. */

class Clock {
  /** Milliseconds since 1970 by the server's clock, once a second. */
  now = $state(Date.now())
  #skew_ms = 0

  start(): void {
    setInterval(() => this.#tick(), 1000)
    document.addEventListener('visibilitychange', () => this.#tick())
  }

  /** Ages are differences to the server's times, so they are taken by the server's clock. */
  sync(serverNow: string): void {
    this.#skew_ms = Date.parse(serverNow) - Date.now()
  }

  /** This instant, finer than `now` and not reactive. */
  exact(): number {
    return Date.now() + this.#skew_ms
  }

  #tick(): void {
    if (!document.hidden) this.now = this.exact()
  }
}

export const clock = new Clock()

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

/** "now", "8 s", "4 min", "3 h", "12 d". */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 1) return 'now'
  if (seconds < MINUTE_S) return `${seconds} s`
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min`
  if (seconds < DAY_S) return `${Math.floor(seconds / HOUR_S)} h`
  return `${Math.floor(seconds / DAY_S)} d`
}

export const ageOf = (iso: string, now: number): string => formatSpan(now - Date.parse(iso))

const exactTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clockTime = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' })
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** "Fri, 21 Nov". */
export const dayOf = (iso: string): string => day.format(new Date(iso))
/** "14:03". */
export const minuteOf = (iso: string): string => minute.format(new Date(iso))

/** Date and time in the reader's zone, with the server's own notation for copying. */
export const formatExact = (iso: string): string => `${exactTime.format(new Date(iso))} (${iso})`
export const formatClock = (when: string | Date): string => clockTime.format(new Date(when))

/** "0.4 ms", "85 ms", "1.2 s", "3 min". */
export function formatMs(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  return formatSpan(ms)
}

/** "97 %". */
export function formatPercent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** "940", "12.4k", "3.1M". */
export function formatCount(count: number): string {
  if (count < 10_000) return String(count)
  if (count < 1_000_000) return `${(count / 1000).toFixed(count < 100_000 ? 1 : 0)}k`
  return `${(count / 1_000_000).toFixed(1)}M`
}

/** Dollars; small amounts keep the digits that say something: "$0.0012". */
export function formatCost(usd: number): string {
  if (usd === 0) return '$0'
  if (usd < 0.0001) return '<$0.0001'
  if (usd < 0.1) return `$${usd.toFixed(4)}`
  return `$${usd.toFixed(2)}`
}

/** "812 B", "14 KB", "3.2 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(0)} KB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(2)} GB`
}
