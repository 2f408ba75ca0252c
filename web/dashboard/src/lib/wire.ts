/** What the server sends and takes: the only names the rest of the page uses for it. */

export const STATUSES = ['running', 'pausing', 'paused', 'stopping', 'stopped', 'completed', 'failed'] as const
export type Status = (typeof STATUSES)[number]
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export interface SessionSummary {
  agent_id: string
  session_id: string
  agent_type: string
  status: Status
  seq: number
  ticks: number
  text: string
  error: string | null
  failures: number
  created_at: string
  updated_at: string
  last_tick_at: string | null
  tokens_in: number
  tokens_out: number
  cost_usd: number
  latencies_ms: number[]
}

export interface SessionNow {
  ticking: boolean
  tick_began_at: string | null
  next_tick_at: string | null
  failures: number
  max_failures: number
}

export interface SessionDetail extends SessionSummary {
  config: JsonObject
  context: JsonObject
  result: string | null
  guided: number
  final: JsonObject | null
  created_by: string | null
  now: SessionNow | null
}

export type LogKind = 'status' | 'tick' | 'guidance' | 'error' | 'final'

export interface LogRow {
  session_id: string
  agent_id: string
  seq: number
  step: number
  kind: LogKind
  text: string
  payload: JsonObject | null
  applied_actions: string[]
  started_at: string | null
  created_at: string
  latency_ms: number | null
  tokens_in: number
  tokens_out: number
  cost_usd: number
  error: string | null
  status: Status
  cut: boolean
  state: JsonObject | null
}

export type Outcome = 'queued' | 'applied' | 'rejected'

export interface ActionRow {
  action_id: string
  type: string
  agent_id: string | null
  session_id: string | null
  actor: string
  created_at: string
  urgency: number
  description: string | null
  payload: Json
  metadata: Json
  processed: boolean
  processed_at: string | null
  outcome: Outcome
  error: string | null
  applied_seq: number | null
  latency_ms: number | null
}

/** The part of JSON Schema that the server's models use. */
export interface JsonSchema {
  $ref?: string
  $defs?: Record<string, JsonSchema>
  type?: string
  title?: string
  description?: string
  default?: Json
  const?: Json
  enum?: Json[]
  anyOf?: JsonSchema[]
  allOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minLength?: number
  maxLength?: number
}

export interface AgentType {
  agent_type: string
  description: string
  config_schema: JsonSchema
  state_schema: JsonSchema
  guidance_schema: JsonSchema | null
  accepts_text: boolean
}

export interface Conversation {
  conversation_id: string
  title: string | null
  created_by: string
  created_at: string
  messages: number
  last_message_at: string | null
}

export interface Message {
  message_id: string
  conversation_id: string
  number: number
  author: string
  agent_id: string | null
  text: string
  created_at: string
}

export interface Accepted {
  action_id: string
  agent_id: string | null
  session_id: string | null
}

export interface BulkItem {
  session_id: string
  action_id: string | null
  problem: string | null
}

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

export type StatusCounts = Partial<Record<Status, number>>

export interface SessionsPage extends Page<SessionSummary> {
  counts: StatusCounts
}

export interface SystemInfo {
  now: string
  data: string
  pid: number
  start_id: string | null
  worker: 'here' | 'elsewhere' | 'none'
  worker_pid: number | null
  model: { route: string; demonstration: boolean } | null
  loop: { lag_ms: number; lag_p50_ms: number; lag_p99_ms: number } | null
  journal: {
    pending_rows: number
    commits: number
    rows: number
    commit_ms: number | null
    rows_per_commit: number | null
  } | null
  queue: { depth: number; handled: number | null }
  sessions: StatusCounts
  memory_bytes: number
  clients: { sockets: number; streams: number; lagging: number }
  tables: { name: string; rows: number; size_bytes: number; compacted_at: string | null }[]
}

export type Verb = 'pause' | 'resume' | 'destroy'
export type Mode = 'steer' | 'now'

export interface FieldProblem {
  where: string
  what: string
}

/** Socket events, server to page. */
export interface LogEvent {
  room: string
  agent_id: string
  session_id: string
  rows: LogRow[]
  session: SessionSummary
}
export interface MessagesEvent {
  room: string
  conversation_id: string
  rows: Message[]
}
export interface HeadEvent {
  room: string
  head: number
}

/** Answers to `subscribe…`. */
export interface RunJoined {
  room: string
  head: number
  rows: LogRow[]
  session: SessionSummary
}
export interface ConversationJoined {
  room: string
  head: number
  rows: Message[]
}
