/** A result as lines or bars: the first column against those of numbers. */

import type { Json, SqlResult } from '../../net/wire'

const MOST_LINES = 4
const MOST_BARS = 60
const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/
const TIMES = /^(TIMESTAMP|DATE)/

export interface Drawn {
  /** Seconds, numbers, or places among the labels. */
  x: number[]
  kind: 'time' | 'number' | 'label'
  labels: string[]
  name: string
  lines: { name: string; values: (number | null)[] }[]
}

const written = (value: Json | undefined): string => (value === null || value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value))
const isNumber = (type: string): boolean => NUMBERS.test(type) && !type.endsWith(']')
const numberOf = (value: Json | undefined): number | null => (value === null || value === undefined || value === '' ? null : Number(value))

/** Null where there is nothing to draw. */
export function drawnOf({ columns, rows }: SqlResult): Drawn | null {
  const [first] = columns
  if (!first || rows.length === 0) return null
  const figures = columns.flatMap(({ name, type }, at) => (at > 0 && isNumber(type) ? [{ name, at }] : [])).slice(0, MOST_LINES)
  if (figures.length === 0) return null
  const kind = TIMES.test(first.type) && !first.type.endsWith(']') ? 'time' : isNumber(first.type) ? 'number' : 'label'
  if (kind === 'label') {
    const shown = rows.slice(0, MOST_BARS)
    return {
      kind,
      name: first.name,
      x: shown.map((_, at) => at),
      labels: shown.map(([label]) => written(label)),
      lines: figures.map(({ name, at }) => ({ name, values: shown.map((row) => numberOf(row[at])) })),
    }
  }
  const place = (value: Json | undefined): number => (kind === 'time' ? Date.parse(String(value)) / 1_000 : Number(value ?? NaN))
  // What is drawn from left to right has to come in that order.
  const points = rows.map((row) => ({ row, x: place(row[0]) })).filter(({ x }) => Number.isFinite(x)).sort((a, b) => a.x - b.x)
  if (points.length === 0) return null
  return {
    kind,
    name: first.name,
    x: points.map(({ x }) => x),
    labels: [],
    lines: figures.map(({ name, at }) => ({ name, values: points.map(({ row }) => numberOf(row[at])) })),
  }
}
