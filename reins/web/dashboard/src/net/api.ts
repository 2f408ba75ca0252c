/** The only place that fetches: one function for each endpoint, one error for whatever went wrong. */

import { at } from './base'
import { segment } from './segment'
import type {
  Accepted,
  ActionDetail,
  ActionRow,
  AgentType,
  Belief,
  BulkItem,
  CheckedCitation,
  CitedPassage,
  Concern,
  Contradiction,
  Conversation,
  ConversationDetail,
  DeadLetter,
  DecideBody,
  Entity,
  FactRow,
  DocumentDetail,
  DocumentList,
  DocumentText,
  FieldProblem,
  FileView,
  FoldList,
  FoundSteps,
  InboxItem,
  InboxItemDetail,
  Json,
  JsonObject,
  LetterCause,
  LogRow,
  McpServer,
  Memory,
  Message,
  Mode,
  ModelCall,
  Note,
  Outcome,
  Overview,
  Pace,
  Page,
  Plan,
  RouteCheck,
  RouteList,
  Saved,
  Schedule,
  SearchAnswer,
  SessionDetail,
  SessionNow,
  SessionsPage,
  SqlResult,
  SqlState,
  Subscriber,
  SystemInfo,
  TopicBounds,
  TopicRow,
  Tree,
  UsageNow,
  Verb,
  Vocabulary,
  WebhookList,
  WebhookTrial,
  Why,
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

/** An act that has not reached the server: it is sent as soon as there is one, unless it is withdrawn. */
export class NotSent extends ApiProblem {
  constructor(
    what: string,
    readonly withdraw: () => void,
  ) {
    super(0, 'Not sent yet', `The server does not answer. “${what}” is sent, once, when it answers again.`)
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

/** An idempotency key. Not `randomUUID`, which plain http off localhost lacks. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Whose facts are seen: those that all share, with an agent's, or with a session's and its agent's; and when. */
export interface FactView {
  session_id?: string | undefined
  agent_id?: string | undefined
  true_at?: string | undefined
  known_at?: string | undefined
}

export interface FactOwner {
  scope: 'session' | 'agent' | 'shared'
  session_id?: string | undefined
  agent_id?: string | undefined
}

export type NewFact = FactOwner & {
  subject: string
  relation: string
  object: string
  valid_from?: string | undefined
  source?: string | undefined
  functional?: boolean | undefined
}

export type FactVerb = 'end' | 'retract' | 'restore'

export interface FactChange {
  fact_id?: string | undefined
  source?: string | undefined
}

type Query = Record<string, string | number | boolean | null | undefined>
const RETRY_AFTER_MS = 400
const READ_TIMEOUT_MS = 30_000

async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  // Of a connection that died in its sleep nobody else would tell.
  const late = AbortSignal.timeout(READ_TIMEOUT_MS)
  return send<T>(path + search(query), { signal: signal ? AbortSignal.any([signal, late]) : late })
}

/** The same key makes the repetition after a lost answer harmless: it is enqueued once. */
async function post<T>(path: string, body: object, key: string, method: 'POST' | 'PUT' = 'POST'): Promise<T> {
  return repeated<T>(path, { method, headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key }, body: JSON.stringify(body) })
}

async function repeated<T>(path: string, init: RequestInit): Promise<T> {
  try {
    return await send<T>(path, init)
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 0) throw error
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS))
    return send<T>(path, init)
  }
}

const send = async <T>(path: string, init: RequestInit): Promise<T> => (await (await answered(path, init)).json()) as T

async function answered(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(at(`/api${path}`), { ...init, headers: { Accept: 'application/json', ...init.headers } })
  } catch (error) {
    if (isAbort(error)) throw error
    throw new ApiProblem(
      0,
      'The server does not answer',
      'Is it running? `make run` starts it. The page continues by itself when the server answers again.',
    )
  }
  if (!response.ok) throw await refusal(response)
  return response
}

/** A question in a body: it changes nothing, so it needs no key, and is not repeated. */
const question = (body: object, signal: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
  signal,
})

async function refusal(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null)
  const problem = (body ?? {}) as { title?: string; detail?: string; problems?: FieldProblem[] }
  const title = problem.title ?? (response.statusText || `HTTP ${response.status}`)
  return new ApiProblem(response.status, title, problem.detail ?? adviceFor(response.status), problem.problems ?? [])
}

const adviceFor = (status: number): string =>
  status === 401 || status === 403
    ? 'The server does not know this browser. Reload the page, which asks for the token.'
    : `The server answered ${status} without saying why; its log has more.`

function search(query: Query): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}

const MEMORIES = 500
const MOST_DOCUMENTS = 1000
const ofSession = (sessionId: string, part = ''): string => `/sessions/${segment(sessionId)}${part}`
const ofTopic = (topic: string, part = ''): string => `/topics/${segment(topic)}${part}`
const ofDocument = (documentId: string, part = ''): string => `/documents/${segment(documentId)}${part}`
const ofConversation = (conversationId: string, part = ''): string => `/conversations/${segment(conversationId)}${part}`

/** Whose memory, and under which key; `expect`: the version that it must have, 0 for none. */
export interface MemoryAddress {
  scope: Memory['scope']
  session_id?: string
  agent_id?: string
  key: string
  expect?: number
}

export type ScheduleSettings = Pick<Schedule, 'topic' | 'when' | 'zone' | 'catch_up'> & { message?: Json }
export type ScheduleVerb = 'pause' | 'resume' | 'run'

export interface CreateSession {
  agent_id: string
  agent_type: string
  session_id?: string
  config: JsonObject
  actor: string
  description?: string
}

export type RoomVerb = 'pause' | 'resume' | 'end'
export interface RoomSettings {
  title?: string
  pace?: Pace
  ceiling?: number
}

interface Steer {
  actor: string
  reason?: string
}

/** Which rows of a log are meant. */
export interface StepFilter {
  q?: string
  /** Sorts of rows that are left out, by commas. */
  hide?: string
}

interface FindPage {
  after_seq?: number
  before_seq?: number
  newest?: boolean
  limit?: number
  buckets?: number
  axis?: 'time' | 'seq'
}

/** Times of day are the reader's. */
const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

/** Whatever acts takes a key and is called by a `Request`; the rest reads. */
export const api = {
  attention: async (signal: AbortSignal) => (await get<{ items: Concern[] }>('/attention', { sessions: 5000 }, signal)).items,
  vocabulary: () => get<Vocabulary>('/vocabulary'),
  system: () => get<SystemInfo>('/system'),
  agentTypes: () => get<Page<AgentType>>('/agent-types'),
  routes: (signal: AbortSignal) => get<RouteList>('/routes', {}, signal),
  /** A try changes nothing that a second one would double. */
  checkRoute: (name: string) => post<RouteCheck>(`/routes/${segment(name)}/check`, {}, newKey()),
  usage: (query: { since: string; by: string; step: string }, signal: AbortSignal) => get<UsageNow>('/usage', query, signal),
  webhooks: (signal: AbortSignal) => get<WebhookList>('/webhooks', {}, signal),
  /** A trial changes nothing here. */
  tryWebhook: (name: string) => post<WebhookTrial>(`/webhooks/${segment(name)}/test`, {}, newKey()),
  reloadEnvironment: (body: { actor: string }, key: string) => post<Accepted>('/environment/reload', body, key),

  mcpServers: async (signal: AbortSignal) => (await get<{ items: McpServer[] }>('/mcp/servers', {}, signal)).items,
  agreeToSpecs: (server: string, body: { tools: Record<string, string>; actor: string }, key: string) =>
    post<{ tools: string[] }>(`/mcp/servers/${segment(server)}/agree`, body, key),

  sessions: (query: { limit?: number; cursor?: string | null }) => get<SessionsPage>('/sessions', query),
  session: (sessionId: string, signal: AbortSignal) => get<SessionDetail>(ofSession(sessionId), {}, signal),
  sessionNow: async (sessionId: string, signal: AbortSignal) =>
    (await get<{ now: SessionNow | null }>(ofSession(sessionId, '/now'), {}, signal)).now,
  sessionTree: (sessionId: string, signal: AbortSignal) => get<Tree>(ofSession(sessionId, '/tree'), {}, signal),
  /** As it stood at a row of the log, or as it stands now. */
  beliefs: (sessionId: string, at_seq: number | null, signal: AbortSignal) =>
    get<{ items: Belief[]; contradictions: Contradiction[] }>('/beliefs', { session_id: sessionId, at_seq }, signal),
  memories: async (of: { session_id?: string; at_seq?: number | null; agent_id?: string; scope?: Memory['scope'] }, signal: AbortSignal) =>
    (await get<{ items: Memory[] }>('/memories', { ...of, limit: MEMORIES }, signal)).items,
  putMemory: (body: MemoryAddress & { value: Json; actor: string }, key: string) => post<Accepted>('/memories', body, key),
  forgetMemory: (body: MemoryAddress & { actor: string }, key: string) => post<Accepted>('/memories/forget', body, key),
  restoreMemory: (body: MemoryAddress & { version?: number; actor: string }, key: string) => post<Accepted>('/memories/restore', body, key),
  facts: (query: { q?: string; session_id?: string; agent_id?: string; limit: number }, signal: AbortSignal) => get<Page<FactRow>>('/facts', query, signal),
  entity: (name: string, query: FactView & { history?: boolean }, signal: AbortSignal) => get<Entity>(`/facts/entities/${segment(name)}`, { ...query }, signal),
  why: (factId: string, signal: AbortSignal) => get<Why>(`/facts/${segment(factId)}/why`, {}, signal),
  rememberFact: (body: NewFact & { actor: string }, key: string) => post<Accepted>('/facts', body, key),
  changeFact: (verb: FactVerb, body: FactChange & { actor: string }, key: string) => post<Accepted>(`/facts/${verb}`, body, key),
  decideAlias: (body: FactOwner & { name: string; other: string; decision: 'same' | 'different'; actor: string }, key: string) => post<Accepted>('/facts/aliases', body, key),
  sessionPlan: (sessionId: string, signal: AbortSignal) => get<Plan>(ofSession(sessionId, '/plan'), {}, signal),
  createSession: (body: CreateSession, key: string) => post<Accepted>('/sessions', body, key),
  createSessions: (body: CreateSession[], key: string) => post<{ items: Accepted[] }>('/sessions', body, key),
  steer: (sessionId: string, verb: Verb, body: Steer, key: string) => post<Accepted>(ofSession(sessionId, `/${verb}`), body, key),
  interrupt: (sessionId: string, body: { guidance: JsonObject | string; mode: Mode; actor: string }, key: string) =>
    post<Accepted>(ofSession(sessionId, '/interrupt'), body, key),
  search: (query: { q?: string; like?: string; limit?: number }, signal: AbortSignal) => get<SearchAnswer>('/search', query, signal),
  sqlState: (signal: AbortSignal) => get<SqlState>('/sql', {}, signal),
  sql: (body: { statement: string; rows: number }, signal: AbortSignal) => send<SqlResult>('/sql', question(body, signal)),
  /** All rows that may be had, as a file. */
  sqlFile: async (body: { statement: string }, signal: AbortSignal) => (await answered('/sql?format=csv', question(body, signal))).blob(),
  saved: async () => (await get<{ items: Saved[] }>('/saved')).items,
  save: (body: Pick<Saved, 'kind' | 'name'> & { content: JsonObject | null; actor: string }, key: string) =>
    post<Accepted>('/saved', body, key),
  hasten: (sessionId: string, body: { guidance_id: string; actor: string }, key: string) => post<Accepted>(ofSession(sessionId, '/hasten'), body, key),
  bulk: (body: Steer & { verb: Verb | 'interrupt'; session_ids: string[]; mode?: Mode; guidance?: JsonObject }, key: string) => post<{ items: BulkItem[] }>('/bulk', body, key),

  steps: (sessionId: string, query: { after_seq?: number; limit?: number; brief?: boolean }, signal: AbortSignal) =>
    get<Page<LogRow>>(ofSession(sessionId, '/steps'), query, signal),
  step: (sessionId: string, seq: number, signal: AbortSignal) => get<LogRow>(ofSession(sessionId, `/steps/${seq}`), {}, signal),
  stepsAt: async (sessionId: string, seqs: number[], signal: AbortSignal) =>
    (await get<Page<LogRow>>(ofSession(sessionId, '/steps'), { seqs: seqs.join(','), brief: true }, signal)).items,
  find: (sessionId: string, query: StepFilter & FindPage, signal: AbortSignal) => get<FoundSteps>(ofSession(sessionId, '/find'), { ...query, zone: ownZone() }, signal),
  overview: (sessionId: string, query: { buckets: number; axis: 'time' | 'seq' }, signal: AbortSignal) => get<Overview>(ofSession(sessionId, '/overview'), query, signal),
  folds: (sessionId: string, query: { hide: string; runs: boolean }, signal: AbortSignal) => get<FoldList>(ofSession(sessionId, '/folds'), query, signal),
  notes: (sessionId: string, signal: AbortSignal) => get<Page<Note>>(ofSession(sessionId, '/notes'), {}, signal),
  addNote: (sessionId: string, seq: number, body: { text: string; actor: string }, key: string) =>
    post<Accepted>(ofSession(sessionId, `/steps/${seq}/notes`), body, key),
  calls: (sessionId: string, seq: number, signal: AbortSignal) =>
    get<Page<ModelCall>>(ofSession(sessionId, `/steps/${seq}/calls`), {}, signal),

  /** A file or folder of the workspace; "" is the workspace itself. */
  files: (sessionId: string, path: string, signal: AbortSignal) => get<FileView>(ofSession(sessionId, filePart(path)), {}, signal),

  actions: (
    query: { state?: Outcome; session_id?: string; type?: string; limit?: number; cursor?: string | null },
    signal?: AbortSignal,
  ) => get<Page<ActionRow>>('/actions', query, signal),
  action: (actionId: string, signal?: AbortSignal) => get<ActionDetail>(`/actions/${segment(actionId)}`, {}, signal),
  undo: (actionId: string, body: { actor: string }, key: string) => post<Accepted>(`/actions/${segment(actionId)}/undo`, body, key),

  /** What waits for a person, the oldest first. */
  inbox: (query: { state?: string; session_id?: string; limit?: number; cursor?: string | null }, signal?: AbortSignal) =>
    get<Page<InboxItem>>('/inbox', query, signal),
  /** One item, with the last decisions of people about others like it. */
  inboxItem: (itemId: string, signal: AbortSignal) => get<InboxItemDetail>(`/inbox/${segment(itemId)}`, {}, signal),
  decide: (itemId: string, body: DecideBody, key: string) => post<Accepted>(`/inbox/${segment(itemId)}/decide`, body, key),

  conversations: (query: { limit?: number; cursor?: string | null }) => get<Page<Conversation>>('/conversations', query),
  conversation: (conversationId: string, signal: AbortSignal) => get<ConversationDetail>(ofConversation(conversationId), {}, signal),
  createConversation: (body: { conversation_id: string; actor: string; title?: string }, key: string) =>
    post<Accepted>('/conversations', body, key),
  steerConversation: (conversationId: string, verb: RoomVerb, body: Steer, key: string) =>
    post<Accepted>(ofConversation(conversationId, `/${verb}`), body, key),
  setConversation: (conversationId: string, body: RoomSettings & { actor: string }, key: string) =>
    post<Accepted>(ofConversation(conversationId, '/settings'), body, key),
  branchConversation: (conversationId: string, body: { branch_id: string; upto: number; title: string; speaker?: string; actor: string }, key: string) =>
    post<{ items: Accepted[] }>(ofConversation(conversationId, '/branch'), body, key),
  messages: (conversationId: string, query: { after?: number; limit?: number }, signal: AbortSignal) =>
    get<Page<Message>>(ofConversation(conversationId, '/messages'), query, signal),
  postMessage: (conversationId: string, body: { author: string; text: string }, key: string) =>
    post<Accepted>(ofConversation(conversationId, '/messages'), body, key),

  topics: (query: { limit?: number; cursor?: string | null }) => get<Page<TopicRow>>('/topics', query),
  publish: (topic: string, body: { message: Json; actor: string }, key: string) => post<Accepted>(ofTopic(topic), body, key),
  subscribers: (topic: string, signal: AbortSignal) => get<{ items: Subscriber[]; bounds: TopicBounds | null }>(ofTopic(topic, '/subscribers'), {}, signal),
  deadLetters: (topic: string, query: { limit?: number; cursor?: string | null; replayed?: boolean }, signal: AbortSignal) =>
    get<Page<DeadLetter>>(ofTopic(topic, '/dead'), query, signal),
  schedules: async (signal: AbortSignal) => (await get<{ schedules: Schedule[] }>('/schedules', {}, signal)).schedules,
  setSchedule: (scheduleId: string, body: ScheduleSettings & { actor: string }, key: string) =>
    post<Accepted>(`/schedules/${segment(scheduleId)}`, body, key, 'PUT'),
  steerSchedule: (scheduleId: string, verb: ScheduleVerb, body: { actor: string }, key: string) =>
    post<Accepted>(`/schedules/${segment(scheduleId)}/${verb}`, body, key),
  /** One that is gone is not there to be removed again: it takes no key. */
  removeSchedule: (scheduleId: string, actor: string) => repeated<Accepted>(`/schedules/${segment(scheduleId)}${search({ actor })}`, { method: 'DELETE' }),
  documents: (signal: AbortSignal) => get<DocumentList>('/documents', { limit: MOST_DOCUMENTS }, signal),
  document: (documentId: string, signal: AbortSignal) => get<DocumentDetail>(ofDocument(documentId), {}, signal),
  documentText: (documentId: string, query: { version: number; from_char: number; to_char: number }, signal: AbortSignal) =>
    get<DocumentText>(ofDocument(documentId, '/text'), query, signal),
  citationsOf: async (documentId: string, signal: AbortSignal) => (await get<{ items: CitedPassage[] }>(ofDocument(documentId, '/citations'), {}, signal)).items,
  checkCitations: async (text: string) => (await post<{ items: CheckedCitation[] }>('/citations', { text }, newKey())).items,
  addDocument: (body: { source: string; text?: string; actor: string }, key: string) => post<Accepted>('/documents', body, key),
  /** The same bytes, sent again, are no new version: it takes no key. */
  addFile: (file: File, by: string) =>
    repeated<Accepted>(`/documents/files${search({ source: file.name, actor: by })}`, { method: 'POST', headers: { 'Content-Type': file.type || 'application/octet-stream' }, body: file }),
  removeDocument: (documentId: string, by: string) => repeated<Accepted>(`${ofDocument(documentId)}${search({ actor: by })}`, { method: 'DELETE' }),
  letterCauses: async (signal: AbortSignal) => (await get<{ items: LetterCause[] }>('/dead-letters', {}, signal)).items,
  replayLetters: (body: { letter_ids: string[]; actor: string }, key: string) => post<{ items: Accepted[] }>('/dead-letters/replay', body, key),
  replayLetter: (letterId: string, body: { actor: string }, key: string) => post<Accepted>(`/dead-letters/${segment(letterId)}/replay`, body, key),
}

const filePart = (path: string): string => `/files${path && `/${path.split('/').map(segment).join('/')}`}`

/** The address of a file of the workspace, for a download. */
export const downloadPath = (sessionId: string, path: string): string => at(`/api${ofSession(sessionId, filePart(path))}?raw=true`)

/** The address of the whole conversation, for a download. */
export const exportPath = (conversationId: string, format: 'markdown' | 'json'): string =>
  at(`/api${ofConversation(conversationId, '/export')}?format=${format}`)

/** The address of the rows of a log that fit, for a download. */
export const exportStepsPath = (sessionId: string, filter: StepFilter, format: 'jsonl' | 'csv'): string =>
  at(`/api${ofSession(sessionId, '/export')}${search({ ...filter, zone: ownZone(), format })}`)

/** The address of the hits of a search, for a download. */
export const exportSearchPath = (query: { q: string; like: string; limit: number }, format: 'jsonl' | 'csv'): string =>
  at(`/api/search/export${search({ ...query, format })}`)
