/** The only place that fetches: one function for each endpoint, one error for whatever went wrong. */

import type {
  Accepted,
  ActionRow,
  AgentType,
  BulkItem,
  Conversation,
  ConversationDetail,
  FieldProblem,
  ModelCall,
  JsonObject,
  LogRow,
  Message,
  Mode,
  Outcome,
  Page,
  RouteCheck,
  RouteList,
  SessionDetail,
  SessionNow,
  SessionsPage,
  SystemInfo,
  Verb,
} from './wire'

/** A refusal of the server (its problem+json), or a server that did not answer (status 0). */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly problems: FieldProblem[] = [],
  ) {
    super(detail)
    this.name = 'ApiProblem'
  }
}

/** True for a request that the page itself gave up; nothing is to be shown. */
export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError'

/** Any error as something that can be shown. */
export const asProblem = (error: unknown): ApiProblem =>
  error instanceof ApiProblem
    ? error
    : new ApiProblem(-1, 'The page failed', `${String(error)}. Reload the page; if it stays, report it.`)

/** A key for one act of the user. Not `randomUUID`, which plain http off localhost lacks. */
export const actKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

type Query = Record<string, string | number | boolean | null | undefined>
const RETRY_AFTER_MS = 400
const READ_TIMEOUT_MS = 30_000

async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  // Of a connection that died in its sleep nobody else would tell.
  const late = AbortSignal.timeout(READ_TIMEOUT_MS)
  return send<T>(path + search(query), { signal: signal ? AbortSignal.any([signal, late]) : late })
}

/** The same key makes the repetition after a lost answer harmless: it is enqueued once. */
async function post<T>(path: string, body: object, key: string = actKey()): Promise<T> {
  const init: RequestInit = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(body),
  }
  try {
    return await send<T>(path, init)
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 0) throw error
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS))
    return send<T>(path, init)
  }
}

async function send<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(`/api${path}`, { ...init, headers: { Accept: 'application/json', ...init.headers } })
  } catch (error) {
    if (isAbort(error)) throw error
    throw new ApiProblem(
      0,
      'The server does not answer',
      'Is it running? `make run` starts it, and the page goes on by itself once it is back.',
    )
  }
  if (!response.ok) throw await refusal(response)
  return (await response.json()) as T
}

async function refusal(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null)
  const problem = (body ?? {}) as { title?: string; detail?: string; problems?: FieldProblem[] }
  const title = problem.title ?? (response.statusText || `HTTP ${response.status}`)
  return new ApiProblem(response.status, title, problem.detail ?? adviceFor(response.status), problem.problems ?? [])
}

const adviceFor = (status: number): string =>
  status === 401 || status === 403
    ? 'The server does not know this browser. Open the address that it printed when it started: it carries the token.'
    : `The server answered ${status} without saying why; its log has more.`

function search(query: Query): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}

const at = encodeURIComponent
const act = (sessionId: string, verb: string): string => `/sessions/${at(sessionId)}/${verb}`
const talk = (conversationId: string, part = ''): string => `/conversations/${at(conversationId)}${part}`

export interface CreateSession {
  agent_id: string
  agent_type: string
  session_id?: string
  config: JsonObject
  actor: string
  description?: string
}

export const api = {
  system: (signal?: AbortSignal) => get<SystemInfo>('/system', {}, signal),
  agentTypes: (signal?: AbortSignal) => get<Page<AgentType>>('/agent-types', {}, signal),
  routes: (signal?: AbortSignal) => get<RouteList>('/routes', {}, signal),
  checkRoute: (name: string) => post<RouteCheck>(`/routes/${at(name)}/check`, {}),
  reloadEnvironment: (actor: string) => post<Accepted>('/environment/reload', { actor }),

  sessions: (query: { limit?: number; cursor?: string | null; q?: string; status?: string }, signal?: AbortSignal) =>
    get<SessionsPage>('/sessions', query, signal),
  session: (sessionId: string, signal?: AbortSignal) =>
    get<SessionDetail>(`/sessions/${at(sessionId)}`, {}, signal),
  sessionNow: async (sessionId: string, signal?: AbortSignal) =>
    (await get<{ now: SessionNow | null }>(`/sessions/${at(sessionId)}/now`, {}, signal)).now,
  createSession: (body: CreateSession, key?: string) => post<Accepted>('/sessions', body, key),
  pause: (sessionId: string, actor: string, reason?: string) =>
    post<Accepted>(act(sessionId, 'pause'), reason ? { actor, reason } : { actor }),
  resume: (sessionId: string, actor: string) => post<Accepted>(act(sessionId, 'resume'), { actor }),
  destroy: (sessionId: string, actor: string, reason?: string) =>
    post<Accepted>(act(sessionId, 'destroy'), reason ? { actor, reason } : { actor }),
  interrupt: (sessionId: string, actor: string, guidance: JsonObject | string, mode: Mode = 'steer', key?: string) =>
    post<Accepted>(act(sessionId, 'interrupt'), { guidance, mode, actor }, key),
  bulk: (verb: Verb, sessionIds: string[], actor: string, reason?: string, key?: string) =>
    post<{ items: BulkItem[] }>('/bulk', { verb, session_ids: sessionIds, actor, ...(reason ? { reason } : {}) }, key),

  steps: (
    sessionId: string,
    query: { after_seq?: number; limit?: number; brief?: boolean },
    signal?: AbortSignal,
  ) => get<Page<LogRow>>(`/sessions/${at(sessionId)}/steps`, query, signal),
  step: (sessionId: string, seq: number, signal?: AbortSignal) =>
    get<LogRow>(`/sessions/${at(sessionId)}/steps/${seq}`, {}, signal),
  calls: (sessionId: string, seq: number, signal?: AbortSignal) =>
    get<Page<ModelCall>>(`/sessions/${at(sessionId)}/steps/${seq}/calls`, {}, signal),

  actions: (
    query: { state?: Outcome; session_id?: string; type?: string; limit?: number; cursor?: string | null },
    signal?: AbortSignal,
  ) => get<Page<ActionRow>>('/actions', query, signal),
  action: (actionId: string, signal?: AbortSignal) => get<ActionRow>(`/actions/${at(actionId)}`, {}, signal),

  conversations: (query: { limit?: number; cursor?: string | null }, signal?: AbortSignal) =>
    get<Page<Conversation>>('/conversations', query, signal),
  conversation: (conversationId: string, signal?: AbortSignal) => get<ConversationDetail>(talk(conversationId), {}, signal),
  createConversation: (conversationId: string, title: string, actor: string, key?: string) =>
    post<Accepted>('/conversations', { conversation_id: conversationId, actor, ...(title ? { title } : {}) }, key),
  messages: (conversationId: string, query: { after?: number; limit?: number }, signal?: AbortSignal) =>
    get<Page<Message>>(talk(conversationId, '/messages'), query, signal),
  postMessage: (conversationId: string, author: string, text: string, key?: string) =>
    post<Accepted>(talk(conversationId, '/messages'), { author, text }, key),
}

/** Where the whole conversation can be downloaded. */
export const exportPath = (conversationId: string, format: 'markdown' | 'json'): string =>
  `/api${talk(conversationId, '/export')}?format=${format}`
