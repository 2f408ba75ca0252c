/** The MCP servers in full, read again when what the page knows of them in short has changed. */

import { SvelteMap } from 'svelte/reactivity'
import { api, asProblem, isAbort, type ApiProblem } from '../../net/api'
import { agreeToSpecs } from '../../steering/requests'
import { Request } from '../../steering/request.svelte'
import { server as system } from '../../state/server.svelte'
import type { McpServer, OfferedSpec } from '../../net/wire'

/** A worker takes up within a second what was agreed to. */
const AGAIN_AFTER_MS = 1_000

/** A spec that waits, as it was when it came to be seen: that is the one a person agrees to. */
export interface Shown {
  spec: OfferedSpec
  /** Its server has another one by now. */
  isOld: boolean
  agreed: boolean
}

const keyOf = (server: string, tool: string): string => JSON.stringify([server, tool])

export class McpList {
  found = $state.raw<McpServer[] | null>(null)
  problem = $state.raw<ApiProblem | null>(null)
  #looked = new SvelteMap<string, OfferedSpec>()
  /** Hashes that were agreed to here, until the worker has taken them up. */
  #agreed = new SvelteMap<string, string>()
  #requests = new Map<string, Request>()
  #reading: AbortController | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  get(name: string): McpServer | undefined {
    return this.found?.find((each) => each.name === name)
  }

  shown({ name, offered }: McpServer): Shown[] {
    return offered.map((spec) => {
      const key = keyOf(name, spec.tool)
      const looked = this.#looked.get(key) ?? spec
      return { spec: looked, isOld: looked.sha256 !== spec.sha256, agreed: this.#agreed.get(key) === spec.sha256 }
    })
  }

  /** The newest spec takes the place of the one that was looked at. */
  lookAnew(server: string, tool: string): void {
    this.#looked.delete(keyOf(server, tool))
    this.#look()
  }

  requestOf(server: string): Request {
    const known = this.#requests.get(server) ?? new Request()
    this.#requests.set(server, known)
    return known
  }

  async agree(server: string, specs: OfferedSpec[]): Promise<void> {
    const hashes = Object.fromEntries(specs.map(({ tool, sha256 }) => [tool, sha256]))
    const answer = await agreeToSpecs(this.requestOf(server), server, hashes)
    for (const { tool, sha256 } of answer ? specs : []) this.#agreed.set(keyOf(server, tool), sha256)
    void system.refresh()
    await this.read()
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    this.#reading?.abort()
    const { signal } = (this.#reading = new AbortController())
    try {
      this.found = await api.mcpServers(signal)
      this.problem = null
      this.#look()
    } catch (error) {
      if (isAbort(error)) return
      this.problem = asProblem(error)
    }
    if (this.#agreed.size > 0) this.#timer = setTimeout(() => void this.read(), AGAIN_AFTER_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#reading?.abort()
  }

  /** Keeps what is seen for the first time; forgets what waits no longer. */
  #look(): void {
    const now = new Map((this.found ?? []).flatMap(({ name, offered }) => offered.map((spec) => [keyOf(name, spec.tool), spec])))
    for (const [key, spec] of now) if (!this.#looked.has(key)) this.#looked.set(key, spec)
    for (const key of this.#looked.keys()) if (!now.has(key)) this.#looked.delete(key)
    for (const [key, sha256] of this.#agreed) if (now.get(key)?.sha256 !== sha256) this.#agreed.delete(key)
  }
}
