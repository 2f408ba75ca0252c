/** The sorts of rows as a reader tells them apart; the server's are the same. */

import type { LogRow, Sort } from '../../../net/wire'

export const SORTS: readonly { sort: Sort; name: string }[] = [
  { sort: 'said', name: 'said' },
  { sort: 'guidance', name: 'guidance' },
  { sort: 'errors', name: 'errors' },
  { sort: 'status', name: 'status' },
  { sort: 'silences', name: 'silences' },
]

/** A tick that says why the agent does not speak. */
export const isSilence = (row: LogRow | undefined): boolean => row?.kind === 'tick' && row.payload?.['spoke'] === false

export function sortOf(row: LogRow): Sort {
  if (row.kind === 'guidance') return 'guidance'
  if (row.kind === 'error') return 'errors'
  if (row.kind === 'status' || row.kind === 'final') return 'status'
  return isSilence(row) ? 'silences' : 'said'
}
