/** The state of the connection, and since when it is lost. */

class Connection {
  /** News arrive, by the socket or by asking for them. */
  up = $state(false)
  /** When it was lost; null while it is up, and before it was up for the first time. */
  lostAt = $state<Date | null>(null)
  /** True until the first attempt has ended, one way or the other. */
  starting = $state(true)
  /** How often it came back; whoever reads it while it asks for something asks again then. */
  returns = $state(0)
  /** The reason why the page asks, instead of hearing by a socket; empty while it does not. */
  noSocket = $state('')

  opened(): void {
    this.#reached('')
  }

  /** No socket gets through, but answers do. */
  asks(why: string): void {
    this.#reached(why)
  }

  lost(): void {
    this.up = false
    this.starting = false
    this.noSocket = ''
    this.lostAt ??= new Date()
  }

  #reached(why: string): void {
    if (this.lostAt) this.returns += 1
    this.up = true
    this.starting = false
    this.lostAt = null
    this.noSocket = why
  }
}

export const connection = new Connection()
