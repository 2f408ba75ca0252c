/** A model's answer while it is typed, shown until its row takes its place. */

import type { Typing, TypingEvent } from './wire'

/** After the end of the typing its row may be on its way still: this long the text stays. */
const ROW_WITHIN_MS = 500
const NEVER = Infinity

export class StreamedText {
  text = $state('')
  /** Counted from 1: what an earlier one gave is void. */
  attempt = $state(1)
  /** The row that has taken its place. */
  replacedBy = $state(NEVER)
  /** In characters, as the server counts them: one outside the BMP is one. */
  #length = 0
  /** The newest row when it began: only a later one takes its place. */
  #after = 0
  /** Heard since a subscription was asked for: its answer may be older, though it comes later. */
  #isNewer = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** A subscription is asked for; `begin` gets the answer. */
  ask(): void {
    this.#isNewer = false
  }

  /** The whole text from the answer to a subscription; `head` is the newest row of the log. */
  begin(typing: Typing | null, head: number): void {
    if (this.#isNewer) return
    if (typing) this.#set(typing.attempt, typing.text, head)
    else this.forget()
  }

  /** Returns false where something between is missing, which only a new subscription brings. */
  hear({ attempt, offset, text, ended }: TypingEvent, head: number): boolean {
    if (offset === 0 && text) this.#set(attempt, text, head)
    else if (this.#isOver) return true
    else if (offset <= this.#length && attempt === this.attempt) this.#add(text, this.#length - offset)
    else if (!ended) return false
    this.#isNewer = true
    if (ended) this.#timer = setTimeout(() => this.forget(), ROW_WITHIN_MS)
    return true
  }

  /** The row that says what was typed is here; it is shown in the next beat of the log. */
  replace(seq: number): void {
    if (this.#isOver || seq <= this.#after) return
    clearTimeout(this.#timer)
    this.replacedBy = seq
  }

  /** Nothing is known of it any more, until another begins. */
  forget(): void {
    clearTimeout(this.#timer)
    this.text = ''
    this.#length = 0
    this.replacedBy = NEVER
  }

  get #isOver(): boolean {
    return this.text === '' || this.replacedBy !== NEVER
  }

  #set(attempt: number, text: string, head: number): void {
    clearTimeout(this.#timer)
    this.attempt = attempt
    this.text = text
    this.#length = [...text].length
    this.#after = head
    this.replacedBy = NEVER
  }

  #add(text: string, known: number): void {
    const fresh = [...text].slice(known)
    this.text += fresh.join('')
    this.#length += fresh.length
  }
}
