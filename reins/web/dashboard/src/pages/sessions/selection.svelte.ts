/** Which lines are marked, and how a range grows from the last one that was. */

export class Selection {
  #ids = $state.raw<ReadonlySet<string>>(new Set())
  #anchor: string | null = null

  get ids(): ReadonlySet<string> {
    return this.#ids
  }

  get size(): number {
    return this.#ids.size
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** With `through`, everything between the last marked line and this one, in the order shown. */
  toggle(id: string, { order, through = false }: { order: string[]; through?: boolean }): void {
    const ids = new Set(this.#ids)
    const from = this.#anchor === null ? -1 : order.indexOf(this.#anchor)
    const to = order.indexOf(id)
    if (through && from >= 0 && to >= 0) {
      for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) ids.add(each)
    } else if (!ids.delete(id)) {
      ids.add(id)
    }
    this.#anchor = id
    this.#ids = ids
  }

  add(ids: Iterable<string>): void {
    this.#ids = new Set([...this.#ids, ...ids])
  }

  remove(ids: Iterable<string>): void {
    const left = new Set(this.#ids)
    for (const id of ids) left.delete(id)
    this.#ids = left
  }

  clear(): void {
    this.#ids = new Set()
    this.#anchor = null
  }
}
