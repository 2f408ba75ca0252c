/** Where no WebSocket gets through, the page asks every few seconds for what it shows, and says why. */

import { at } from './base'

const EVERY_MS = 2_000
/** After a round that took long, the next one comes this many times later. */
const SHARE = 4
const ROUND_WITHIN_MS = 10_000
const ANSWER_WITHIN_MS = 5_000
/** So many attempts in a row that failed, each at a server that answers, are no chance. */
const FAILURES = 2
const PROBLEM = 'application/problem+json'
const NO_HANDSHAKE = 400

interface Asking {
  /** Asks once for everything that is shown. */
  ask: () => Promise<unknown>
  /** Answers come, without a socket: for this reason. */
  asks: (why: string) => void
  /** None come any more. */
  lost: () => void
}

export class Fallback {
  #failures = 0
  #on = false
  #why = ''
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly asking: Asking) {}

  /** True while the page asks. */
  get on(): boolean {
    return this.#on
  }

  /** The socket is open. */
  stop(): void {
    this.#failures = 0
    this.#on = false
    clearTimeout(this.#timer)
  }

  /** An attempt to open the socket has failed. */
  async failed(): Promise<void> {
    if (this.#on) return
    this.#failures = (await answers()) ? this.#failures + 1 : 0
    if (this.#on || this.#failures < FAILURES) return
    this.#on = true
    this.#why = await whyNoSocket()
    await this.#round()
  }

  async #round(): Promise<void> {
    const began = performance.now()
    if (this.#on && !document.hidden) {
      if (await answers()) {
        if (!this.#on) return
        this.asking.asks(this.#why)
        await Promise.race([this.asking.ask(), new Promise((resolve) => setTimeout(resolve, ROUND_WITHIN_MS))])
      } else if (this.#on) {
        this.asking.lost()
      }
    }
    if (!this.#on) return
    const took_ms = performance.now() - began
    this.#timer = setTimeout(() => void this.#round(), Math.max(EVERY_MS, SHARE * took_ms))
  }
}

/** True if the server answers where no token is needed. */
const answers = async (): Promise<boolean> => {
  try {
    return (await fetch(at('/health/live'), { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })).ok
  } catch {
    return false
  }
}

/** A browser does not say why it got no WebSocket: the same address is asked, in the one other way that has an Origin. */
async function whyNoSocket(): Promise<string> {
  const path = at('/socket.io/')
  try {
    const response = await fetch(path, { method: 'POST', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    if (!response.headers.get('Content-Type')?.startsWith(PROBLEM))
      return `${path} is answered by something else than Reins, with HTTP ${response.status}: a proxy in between has to pass it on, too`
    if (response.status === NO_HANDSHAKE) return 'a proxy between this browser and Reins does not pass WebSocket on (the header Upgrade)'
    const { title, detail } = (await response.json()) as { title: string; detail: string }
    return `${title}: ${detail}`
  } catch {
    return `${path} is not answered`
  }
}
