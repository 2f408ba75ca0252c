/** One registry of what can be done: the keyboard, the palette and the help all read it. */

import { untrack } from 'svelte'

export interface Command {
  /** A verb phrase: "Pause all shown". */
  title: string
  group: string
  /** "/", "j", "shift+a", "g s", "mod+k", "Enter", "Escape". */
  keys?: string
  run: () => void
  /** False for what makes no sense as an entry of the palette ("next line"). */
  palette?: boolean
  /** Also while the focus is in a field. */
  whileTyping?: boolean
}

const SEQUENCE_MS = 1200
const isMac = navigator.userAgent.includes('Mac')

class Keys {
  #commands = $state.raw<Command[]>([])
  #pending = ''
  #pendingAt = 0

  get commands(): Command[] {
    return this.#commands
  }

  start(): void {
    addEventListener('keydown', (event) => this.#pressed(event))
  }

  /** Returns the function that takes them out again: `$effect(() => keys.register([...]))`. */
  register(commands: Command[]): () => void {
    // It is called in effects, which must not come to depend on what they change.
    const set = (change: (all: Command[]) => Command[]) => untrack(() => (this.#commands = change(this.#commands)))
    set((all) => [...all, ...commands])
    return () => set((all) => all.filter((each) => !commands.includes(each)))
  }

  #pressed(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || event.altKey || (isMac ? event.ctrlKey : event.metaKey)) return
    // An open dialog (palette, help) has the keyboard for itself.
    if (document.querySelector('dialog[open]')) return
    const stroke = strokeOf(event)
    const together = event.timeStamp - this.#pendingAt < SEQUENCE_MS && this.#pending ? `${this.#pending} ${stroke}` : stroke
    const shifted = event.shiftKey && event.key.length === 1 ? this.#find(`shift+${stroke}`, event) : undefined
    const command = this.#find(together, event) ?? shifted ?? this.#find(stroke, event)
    this.#pending = command ? '' : stroke
    this.#pendingAt = event.timeStamp
    if (!command) return
    event.preventDefault()
    command.run()
  }

  /** The newest registration wins, so a page can override what holds everywhere. */
  #find(keys: string, event: KeyboardEvent): Command | undefined {
    const typing = isTyping(event.target)
    if (keys === 'Enter' && isControl(event.target)) return undefined
    return this.#commands.findLast((each) => each.keys === keys && (!typing || each.whileTyping))
  }
}

function strokeOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (isMac ? event.metaKey : event.ctrlKey) return `mod+${key}`
  return event.shiftKey && event.key.length > 1 ? `shift+${key}` : key
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox], [type=radio])'))

/** Enter on these is theirs. */
const isControl = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('a, button, summary') !== null

/** How a key is shown: "Ctrl K", "g then s". */
export const keyLabel = (keys: string): string =>
  keys.startsWith('shift+') && keys.length === 7 ? keys.slice(6).toUpperCase() : keys.startsWith('mod+') ? `${isMac ? '⌘' : 'Ctrl'} ${keys.slice(4).toUpperCase()}` : keys.replace(' ', ' then ').replace('Escape', 'Esc').replace('ArrowDown', '↓').replace('ArrowUp', '↑')

export const keys = new Keys()
