/** What /api/system says, read again every few seconds for the status strip. */

import { api, asProblem, type ApiProblem } from './api'
import { clock } from './time.svelte'
import type { SystemInfo } from './wire'

const EVERY_MS = 10_000

class Server {
  info = $state.raw<SystemInfo | null>(null)
  problem = $state.raw<ApiProblem | null>(null)

  start(): void {
    void this.refresh()
    setInterval(() => !document.hidden && void this.refresh(), EVERY_MS)
  }

  async refresh(): Promise<void> {
    try {
      this.info = await api.system()
      this.problem = null
      clock.sync(this.info.now)
    } catch (error) {
      this.problem = asProblem(error)
    }
  }
}

export const server = new Server()
