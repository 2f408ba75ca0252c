/** Draws the strip. Shape tells the kinds apart; colour only repeats it. */

import { standingOf, workOf, type Standing } from '../../tools/calls'
import { middle, type Layout, type Mark } from './timeline'

export const STRIP_HEIGHT = 68
const LANE_Y = 10
const BLOCK_TOP = 24
const BLOCK_BOTTOM = 46
const LABEL_Y = 62
/** Under its tick, a call of a tool. */
const TOOL_Y = BLOCK_BOTTOM + 2
const TOOL_HEIGHT = 4
const COLOURS = ['ink', 'ink-2', 'ink-3', 'line', 'line-strong', 'paper', 'raised', 'accent', 'selected', 'running', 'paused', 'stopped', 'completed', 'failed', 'failed-paper'] as const
export type Colours = Record<(typeof COLOURS)[number], string>

/** A canvas knows nothing of `light-dark()`: the browser is asked what each token is here and now. */
export function coloursOf(probe: HTMLElement): Colours {
  const entries = COLOURS.map((name) => {
    probe.style.color = `var(--${name})`
    return [name, getComputedStyle(probe).color] as const
  })
  return Object.fromEntries(entries) as Colours
}

interface Paint {
  context: CanvasRenderingContext2D
  layout: Layout
  colours: Colours
  width: number
  font: string
  selected: number | null
  hovered: number | null
}

export function paint({ context, layout, colours, width, font, selected, hovered }: Paint): void {
  context.clearRect(0, 0, width, STRIP_HEIGHT)
  context.fillStyle = colours.line
  context.fillRect(0, BLOCK_BOTTOM, width, 1)
  for (const { x, width: wide } of layout.missing) drawMissing(context, colours, x, wide)
  for (const x of layout.breaks) drawBreak(context, colours, x)
  for (const { x, toX } of layout.links) drawLink(context, colours, x, toX)
  for (const mark of layout.marks) {
    drawMark(context, colours, mark, mark.seq === hovered)
    if (mark.seq === selected) drawSelected(context, colours, mark)
  }
  context.font = font
  context.textBaseline = 'alphabetic'
  context.fillStyle = colours['ink-3']
  for (const { x, text } of layout.labels) {
    context.fillRect(x, BLOCK_BOTTOM, 1, 4)
    context.fillText(text, x, LABEL_Y)
  }
}

function drawMark(context: CanvasRenderingContext2D, colours: Colours, mark: Mark, isHovered: boolean): void {
  const { kind } = mark.row
  if (kind === 'tick' || kind === 'intent') drawTick(context, isHovered ? colours.ink : colours['line-strong'], mark)
  else if (kind === 'error') drawError(context, colours, mark)
  else if (kind === 'guidance') drawDiamond(context, colours.accent, middle(mark))
  else if (kind === 'final') drawFinal(context, statusColour(colours, mark), mark)
  else drawStatus(context, statusColour(colours, mark), mark)
  const work = kind === 'tick' ? workOf(mark.row) : null
  if (work && !work.result) drawTool(context, colours, mark, standingOf(work.outcome, work.asks !== null))
}

const HUES: Partial<Record<Standing, keyof Colours>> = { ok: 'running', failed: 'failed', asks: 'paused', unknown: 'paused' }

/** Filled where it is known what came of it; of a call that may have run, both ends alone. */
function drawTool(context: CanvasRenderingContext2D, colours: Colours, mark: Mark, standing: Standing): void {
  const wide = Math.max(mark.width, 5)
  context.fillStyle = colours[HUES[standing] ?? 'ink-3']
  if (standing === 'unknown') {
    context.fillRect(mark.x, TOOL_Y, 2, TOOL_HEIGHT + 2)
    context.fillRect(mark.x + wide - 2, TOOL_Y, 2, TOOL_HEIGHT + 2)
  } else context.fillRect(mark.x, TOOL_Y, wide, standing === 'cancelled' || standing === 'denied' ? 1 : TOOL_HEIGHT)
}

function drawTick(context: CanvasRenderingContext2D, colour: string, { x, width }: Mark): void {
  context.fillStyle = colour
  context.beginPath()
  context.roundRect(x, BLOCK_TOP, width, BLOCK_BOTTOM - BLOCK_TOP, Math.min(2, width / 2))
  context.fill()
}

/** A hollow block with a notch cut into its top. */
function drawError(context: CanvasRenderingContext2D, colours: Colours, mark: Mark): void {
  const x = middle(mark)
  const half = 4
  const wide = Math.max(mark.width, 2)
  context.fillStyle = colours['failed-paper']
  context.strokeStyle = colours.failed
  context.lineWidth = 1
  context.fillRect(mark.x, BLOCK_TOP, wide, BLOCK_BOTTOM - BLOCK_TOP)
  context.strokeRect(mark.x + 0.5, BLOCK_TOP + 0.5, Math.max(1, wide - 1), BLOCK_BOTTOM - BLOCK_TOP - 1)
  context.fillStyle = colours.failed
  context.beginPath()
  context.moveTo(x - half, BLOCK_TOP - 5)
  context.lineTo(x + half, BLOCK_TOP - 5)
  context.lineTo(x, BLOCK_TOP + 6)
  context.fill()
}

function drawDiamond(context: CanvasRenderingContext2D, colour: string, x: number): void {
  const half = 5
  context.fillStyle = colour
  context.beginPath()
  context.moveTo(x, LANE_Y - half)
  context.lineTo(x + half, LANE_Y)
  context.lineTo(x, LANE_Y + half)
  context.lineTo(x - half, LANE_Y)
  context.fill()
}

function drawLink(context: CanvasRenderingContext2D, colours: Colours, x: number, toX: number): void {
  context.strokeStyle = colours.accent
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(x, LANE_Y)
  context.lineTo(Math.max(x, toX), LANE_Y)
  context.lineTo(Math.max(x, toX), BLOCK_TOP)
  context.stroke()
}

/** A post with a flag; two bars where it was paused. */
function drawStatus(context: CanvasRenderingContext2D, colour: string, mark: Mark): void {
  const x = Math.round(middle(mark))
  context.fillStyle = colour
  context.fillRect(x, BLOCK_TOP - 6, 1, BLOCK_BOTTOM - BLOCK_TOP + 6)
  if (mark.row.status === 'paused' || mark.row.status === 'pausing') {
    context.fillRect(x - 3, LANE_Y - 4, 2, 8)
    context.fillRect(x + 1, LANE_Y - 4, 2, 8)
  } else {
    context.beginPath()
    context.moveTo(x - 2, LANE_Y - 4)
    context.lineTo(x + 4, LANE_Y)
    context.lineTo(x - 2, LANE_Y + 4)
    context.fill()
  }
}

function drawFinal(context: CanvasRenderingContext2D, colour: string, mark: Mark): void {
  const x = Math.round(middle(mark))
  context.fillStyle = colour
  context.fillRect(x - 1, BLOCK_TOP - 6, 2, BLOCK_BOTTOM - BLOCK_TOP + 6)
  context.fillRect(x - 4, LANE_Y - 4, 8, 8)
}

function statusColour(colours: Colours, { row: { status } }: Mark): string {
  if (status === 'pausing' || status === 'paused') return colours.paused
  if (status === 'stopping' || status === 'stopped') return colours.stopped
  return colours[status]
}

function drawSelected(context: CanvasRenderingContext2D, colours: Colours, mark: Mark): void {
  const wide = Math.max(mark.width, 3)
  context.strokeStyle = colours.accent
  context.lineWidth = 2
  context.strokeRect(mark.x - 2, BLOCK_TOP - 2, wide + 4, BLOCK_BOTTOM - BLOCK_TOP + 4)
  if (mark.row.kind !== 'tick' && mark.row.kind !== 'intent') return
  context.fillStyle = colours.accent
  context.fillRect(mark.x, BLOCK_TOP, wide, BLOCK_BOTTOM - BLOCK_TOP)
}

function drawBreak(context: CanvasRenderingContext2D, colours: Colours, x: number): void {
  context.fillStyle = colours['ink-3']
  const y = (BLOCK_TOP + BLOCK_BOTTOM) / 2
  for (const offset of [-3, 0, 3]) context.fillRect(Math.round(x) + offset, y, 1.5, 1.5)
}

function drawMissing(context: CanvasRenderingContext2D, colours: Colours, x: number, width: number): void {
  context.fillStyle = colours.line
  for (let at = Math.ceil(x / 6) * 6; at < x + width; at += 6) context.fillRect(at, (BLOCK_TOP + BLOCK_BOTTOM) / 2, 2, 2)
}
