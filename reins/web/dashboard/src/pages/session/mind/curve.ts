/** The curve of a belief. */

import type { Belief } from '../../../net/wire'

/** The probability at a moment: that of the newest point before it; before all of them, undefined. */
export function probabilityAt(points: Belief['points'], moment: number): number | undefined {
  return points.findLast(({ at }) => Date.parse(at) <= moment)?.probability
}
