/** The state of the connection, and since when it is lost. */

class Connection {
  up = $state(false)
  /** When it was lost; null while it is up, and before it was up for the first time. */
  lostAt = $state<Date | null>(null)
  /** True until the first attempt has ended, one way or the other. */
  starting = $state(true)

  opened(): void {
    this.up = true
    this.starting = false
    this.lostAt = null
  }

  lost(): void {
    this.up = false
    this.starting = false
    this.lostAt ??= new Date()
  }
}

export const connection = new Connection()
