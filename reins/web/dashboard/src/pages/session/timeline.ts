/** The layout of a log's rows on the strip: a pure function of the rows, the place and the width. */

import type { LogRow } from '../../net/wire'

export interface Mark {
  seq: number
  row: LogRow
  x: number
  width: number
  /** Since the row before ended; 0 where that is not known. */
  waited_ms: number
}

export interface Link {
  /** The guidance. */
  x: number
  /** The tick that it went into. */
  toX: number
}

export interface Layout {
  marks: Mark[]
  links: Link[]
  /** Rows that belong here and are not loaded, from and to. */
  missing: { x: number; width: number }[]
  /** Folded waits that were long, at their middle. */
  breaks: number[]
  first: number
  last: number
  /** The left end of the tick in flight. */
  flightX: number
  labels: { x: number; text: string }[]
}

interface Ask {
  rowAt: (seq: number) => LogRow | undefined
  /** The newest row that is shown; it stands at the right end. */
  last: number
  width: number
  /** The width of the tick in flight, at the right end. */
  flight: number
  pxPerMs: number
}

const MARGIN = 14
const LEAST_TICK = 3
const MOST_TICK = 180
const MARK_WIDTH: Record<LogRow['kind'], number> = { tick: 0, intent: 0, error: 0, guidance: 11, status: 7, final: 9 }
const GAP = 3
const LONG_GAP = 13
const LONG_WAIT_MS = 60_000
const UNKNOWN_WIDTH = 6
const LABEL_EVERY_PX = 84
const LABEL_ROOM_PX = 44
const TYPICAL_TICK_PX = 16
const SAMPLE = 60
/** More rows than pixels are of no use. */
const MOST_ROWS = 4000

export const beganAt = (row: LogRow): number => Date.parse(row.started_at ?? row.created_at)
export const endedAt = (row: LogRow): number => Date.parse(row.created_at)

/** The scale at which the usual tick of these rows is easy to see; steps, so that it does not tremble. */
export function foldedScale({ rowAt, last }: Pick<Ask, 'rowAt' | 'last'>, current: number): number {
  const latencies: number[] = []
  for (let seq = last; seq > Math.max(0, last - SAMPLE); seq--) {
    const latency = rowAt(seq)?.latency_ms
    if (latency) latencies.push(latency)
  }
  if (latencies.length === 0) return current
  latencies.sort((one, other) => one - other)
  const typical = Math.max(0.05, latencies[latencies.length >> 1] ?? 1)
  const wanted = TYPICAL_TICK_PX / typical
  if (current > 0 && wanted / current < 2.5 && current / wanted < 2.5) return current
  return 2 ** Math.round(Math.log2(wanted))
}

/** Ticks side by side, waits between them folded to a gap. */
export function folded({ rowAt, last, width, flight, pxPerMs }: Ask): Layout {
  const layout = empty(last)
  let x = width - MARGIN - flight
  layout.flightX = x + GAP
  let seq = last
  for (; seq >= 1 && x > 0; seq--) {
    const row = rowAt(seq)
    if (!row) {
      x -= UNKNOWN_WIDTH
      addMissing(layout, x, UNKNOWN_WIDTH)
      continue
    }
    const wide = row.latency_ms === null ? MARK_WIDTH[row.kind] || LEAST_TICK : tickWidth(row.latency_ms * pxPerMs)
    const before = rowAt(seq - 1)
    const waited_ms = before ? Math.max(0, beganAt(row) - endedAt(before)) : 0
    x -= wide
    layout.marks.push({ seq, row, x, width: wide, waited_ms })
    const gap = waited_ms > LONG_WAIT_MS ? LONG_GAP : GAP
    if (gap === LONG_GAP) layout.breaks.push(x - gap / 2)
    x -= gap
  }
  layout.first = seq + 1
  return finished(layout, width, (mark) => `#${mark.seq}`)
}

const tickWidth = (px: number): number => Math.min(MOST_TICK, Math.max(LEAST_TICK, px))

/** Rows at their true times; `end` stands at the right end, `span_ms` fills the width. */
export function timed({ rowAt, last, width, flight }: Ask, end: number, span_ms: number, clockOf: (at: number) => string): Layout {
  const layout = empty(last)
  const right = width - MARGIN
  const pxPerMs = right / span_ms
  const place = (at: number): number => right - (end - at) * pxPerMs
  let seq = last
  for (let rows = 0; seq >= 1 && rows < MOST_ROWS; seq--, rows++) {
    const row = rowAt(seq)
    if (!row) {
      const upTo = layout.marks.at(-1)?.x ?? right
      addMissing(layout, 0, Math.max(0, upTo))
      break
    }
    const wide = row.latency_ms === null ? MARK_WIDTH[row.kind] || LEAST_TICK : Math.max(1.5, row.latency_ms * pxPerMs)
    const x = row.latency_ms === null ? place(endedAt(row)) - wide / 2 : place(endedAt(row)) - wide
    if (x + wide < 0) break
    const before = rowAt(seq - 1)
    layout.marks.push({ seq, row, x, width: wide, waited_ms: before ? Math.max(0, beganAt(row) - endedAt(before)) : 0 })
  }
  layout.first = seq + 1
  layout.flightX = right - flight
  finished(layout, width, () => '')
  const every = timeStep(span_ms / Math.max(2, width / 110))
  for (let at = Math.floor(end / every) * every; place(at) > 24; at -= every) layout.labels.push({ x: place(at), text: clockOf(at) })
  return layout
}

const STEPS_S = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400]

/** The next round span of time. */
const timeStep = (ms: number): number => (STEPS_S.find((each) => each * 1000 >= ms) ?? 30 * 86_400) * 1000

/** The span in which the newest few rows have room. */
export function timedSpan({ rowAt, last, width }: Ask, end: number): number {
  const wanted = Math.round(width / 22)
  for (let seq = Math.max(1, last - wanted); seq < last; seq++) {
    const row = rowAt(seq)
    if (row) return timeStep(Math.max(5000, end - beganAt(row)))
  }
  return 60_000
}

const empty = (last: number): Layout => ({ marks: [], links: [], missing: [], breaks: [], first: last, last, flightX: 0, labels: [] })

function addMissing(layout: Layout, x: number, width: number): void {
  const next = layout.missing.at(-1)
  if (next && next.x <= x + width + 1) {
    next.width += next.x - x
    next.x = x
  } else layout.missing.push({ x, width })
}

/** Oldest first, with the lines from guidance to the tick after it, and labels that do not touch. */
function finished(layout: Layout, width: number, label: (mark: Mark) => string): Layout {
  layout.marks.reverse()
  let waiting: Mark[] = []
  let labelled = -Infinity
  for (const mark of layout.marks) {
    if (mark.row.kind === 'guidance') waiting.push(mark)
    if (mark.row.kind === 'tick' || mark.row.kind === 'intent') {
      for (const each of waiting) layout.links.push({ x: middle(each), toX: mark.x + Math.min(mark.width / 2, 6) })
      waiting = []
    }
    const text = label(mark)
    if (text && mark.x - labelled >= LABEL_EVERY_PX && mark.x > 4 && mark.x < width - LABEL_ROOM_PX) {
      layout.labels.push({ x: mark.x, text })
      labelled = mark.x
    }
  }
  return layout
}

export const middle = (mark: Mark): number => mark.x + mark.width / 2

/** The row at or nearest to a place on the strip. */
export function markAt(layout: Layout, x: number): Mark | undefined {
  let best: Mark | undefined
  let distance = 12
  for (const mark of layout.marks) {
    const away = x < mark.x ? mark.x - x : Math.max(0, x - mark.x - mark.width)
    // Of rows that overlap, the one that is narrower is meant.
    if (away < distance || (away === distance && best && mark.width < best.width)) {
      best = mark
      distance = away
    }
  }
  return best
}
