/** The keys that act on the cause of the line: the bad day is put right with them alone. */

import { snoozed } from '../../state/snoozed.svelte'
import type { Command } from '../../shell/keys.svelte'
import type { CauseDesk } from './cause-desk.svelte'

interface Board {
  current: () => CauseDesk | undefined
  /** The chosen line is one of its sessions. */
  session: () => string | null
  moveOn: () => void
}

export function causeKeys(group: string, { current, session, moveOn }: Board): Command[] {
  const command = (title: string, keys: string, run: (desk: CauseDesk) => void): Command => ({
    title,
    group,
    keys,
    palette: false,
    run: () => {
      const desk = current()
      if (desk) run(desk)
    },
  })
  return [
    command('Try the route of the cause', 't', (desk) => void desk.tryRoute()),
    command('Pause all of the cause', 'p', (desk) => desk.act('Pause')),
    command('Undo the pause or the destroy', 'u', (desk) => desk.undo()),
    command('Open the sessions of the cause', 'l', (desk) => (desk.open = true)),
    command('Close the sessions of the cause', 'h', (desk) => (desk.open = false)),
    command('Leave the session out, or take it in', 'x', (desk) => {
      const id = session()
      if (id === null) return
      if (!desk.out.delete(id)) desk.out.add(id)
    }),
    command('Snooze the cause until it gets worse', 'z', (desk) => {
      if (desk.over) return
      moveOn()
      snoozed.add(desk.concern)
    }),
  ]
}

/** What Enter does about a cause: its first act; a limit is looked at before it is raised. */
export function actOn(desk: CauseDesk): void {
  const [first] = desk.may
  if (desk.over || first === undefined) return
  if (first === 'Raise') document.getElementById(`raise-${desk.number}`)?.focus()
  else desk.act(first)
}
