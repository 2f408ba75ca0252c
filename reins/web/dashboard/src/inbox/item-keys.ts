/** The keys that decide on an item: the same in the inbox and at its row in the log. */

import type { Command } from '../shell/keys.svelte'
import type { Desk } from './desk.svelte'

export function itemKeys(group: string, desk: () => Desk | undefined): Command[] {
  const on = (act: (desk: Desk) => void) => (): void => {
    const found = desk()
    if (found) act(found)
  }
  const isApproval = (found: Desk): boolean => found.item.kind === 'approval'
  return [
    { title: 'Approve', group, keys: 'a', run: on((found) => isApproval(found) && approve(found)) },
    { title: 'Edit the arguments', group, keys: 'e', run: on((found) => isApproval(found) && found.toggle('edit')) },
    { title: 'Reject with a reason', group, keys: 'r', run: on((found) => found.toggle('reject')) },
    { title: 'Approve this kind from now on', group, keys: 'shift+a', run: on((found) => found.isRemembered && found.toggle('remember')) },
  ]
}

/** What is risky is not done by one key that may have been meant for something else: it leads to the button. */
function approve(desk: Desk): void {
  if (desk.item.risk !== 'high') return desk.approve()
  document.querySelector<HTMLElement>(`#item-${CSS.escape(desk.item.item_id)} .approve`)?.focus()
}
