/** What somebody types between opening a field and its being there: it would be lost, or act on the page behind. */

export class KeysAhead {
  #text = ''
  #entered = false
  readonly #take = (event: KeyboardEvent): void => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Enter') this.#entered = true
    else if (event.key === 'Backspace') this.#text = this.#text.slice(0, -1)
    else if (event.key.length === 1 && !this.#entered) this.#text += event.key
    else return
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  begin(): void {
    this.end()
    addEventListener('keydown', this.#take, true)
  }

  /** The field has the keyboard from now on; what was typed until then, and if Enter was pressed. */
  end(): { text: string; entered: boolean } {
    removeEventListener('keydown', this.#take, true)
    const typed = { text: this.#text, entered: this.#entered }
    this.#text = ''
    this.#entered = false
    return typed
  }
}
