/** The server's types by the names that the page uses, mapped here, once. */

import type { components } from './wire.gen'

type Schemas = components['schemas']
/** JSON that the description leaves open is narrowed to what it is. */
type Narrowed<Whole, Parts> = Omit<Whole, keyof Parts> & Parts

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export type SessionSummary = Schemas['SessionSummary']
export type Status = SessionSummary['status']
export type StatusCounts = Partial<Record<Status, number>>
export type Mood = SessionSummary['mood']
export type Cause = NonNullable<SessionSummary['cause']>
/** A cause with all sessions that it concerns. */
export type Concern = Schemas['ConcernNow']
export type Concerned = Schemas['ConcernedSession']
export type SessionNow = Schemas['SessionNow']
/** A session with its parents and children, and the tasks of their plans. */
export type Tree = Schemas['Tree']
export type TaskRow = Schemas['TaskRow']
/** The plan of a session of type plan, as it stands. */
export type Plan = Schemas['Plan']
export type PlanNode = Schemas['PlanNode']
export type PlanRun = Schemas['PlanRun']
export type PlanChoice = Schemas['PlanChoice']
/** A claim as a session holds it, with the evidence behind it. */
export type Belief = Schemas['BeliefShown']
/** Two claims that cannot both be true, and are both believed. */
export type Contradiction = Schemas['ContradictionShown']
export type Evidence = Schemas['EvidenceShown']
export type Memory = Schemas['MemoryShown']
/** A fact as it stands. */
export type Fact = Schemas['FactShown']
/** The same with where it comes from. */
export type FactRow = Schemas['FactRow']
export type Entity = Schemas['EntityShown']
/** Where a fact comes from, and what was said about it since. */
export type Why = Schemas['WhyShown']
export type PlanLive = Schemas['PlanLive']
export type SessionDetail = Narrowed<Schemas['SessionDetail'], { config: JsonObject; context: JsonObject; final: JsonObject | null }>

export type LogKind = 'status' | 'intent' | 'tick' | 'guidance' | 'error' | 'final'
export type LogRow = Narrowed<Schemas['LogRow'], { kind: LogKind; payload: JsonObject | null; state: JsonObject | null }>

export type Sort = keyof Schemas['Sorts']
export type FoundSteps = Schemas['FoundSteps']
export type Overview = Schemas['Overview']
export type Stretch = Schemas['Stretch']
export type FoldList = Schemas['FoldList']
export type FoldedRows = Schemas['FoldedRows']
export type Note = Schemas['Note']

export type ActionRow = Narrowed<Schemas['ActionRow'], { payload: Json; metadata: Json }>
export type ActionDetail = ActionRow & Pick<Schemas['ActionDetail'], 'understood' | 'can_undo'>
export type Outcome = ActionRow['outcome']
export type Accepted = Schemas['Accepted']
export type BulkItem = Schemas['BulkItem']
export type Verb = Exclude<Schemas['BulkBody']['verb'], 'interrupt'>
/** Which actions there are, and which status takes which verb. */
export type Vocabulary = Schemas['Vocabulary']
export type SearchField = Schemas['SearchFieldRule']
export type Mode = Schemas['InterruptBody']['mode']
/** A saved view, search or template; `content` depends on which. */
export type Saved = Narrowed<Schemas['Saved'], { kind: 'view' | 'search' | 'template'; content: JsonObject }>
/** What a search of everything has found. */
export type SearchAnswer = Schemas['SearchAnswer']
export type HitGroup = Schemas['HitGroup']
export type SearchHit = Schemas['Hit']
/** If SQL is on, and what may be read by it. */
export type SqlState = Schemas['SqlState']
export type SqlTable = Schemas['SqlTable']
export type SqlResult = Narrowed<Schemas['SqlResult'], { rows: Json[][] }>
export type FieldProblem = Schemas['Flaw']

export type AgentType = Narrowed<
  Schemas['AgentType'],
  { config_schema: JsonSchema; state_schema: JsonSchema; guidance_schema: JsonSchema | null }
>
/** A persona's `metadata` says in which tone it spoke, and at which of its ticks. */
export type Message = Narrowed<Schemas['Message'], { metadata: JsonObject | null }>
export type Conversation = Narrowed<Schemas['Conversation'], { last_message: Message | null }>
export type ConversationDetail = Narrowed<Schemas['ConversationDetail'], { last_message: Message | null; participants: Participant[] }>
export type TopicRow = Schemas['TopicRow']
/** A message that a subscriber could not use. */
export type DeadLetter = Schemas['DeadLetterRow']
/** What one subscriber could not use of one topic. */
export type LetterCause = Schemas['DeadNow']
/** A session that listens to a topic, and how far it is behind. */
export type Subscriber = Schemas['SubscriberRow']
export type TopicBounds = Schemas['BoundsRow']
export type Schedule = Narrowed<Schemas['ScheduleRow'], { message: Json }>
export type Pace = Conversation['pace']
export type Participant = Narrowed<Schemas['Participant'], { config: PersonaConfig | null; state: PersonaState | null }>

export type SilenceReason = 'own_last' | 'muted' | 'paused' | 'cooldown' | 'ceiling' | 'talkativeness' | 'passed'
/** Times of the persona's own state are microseconds since 1970. */
export interface PersonaState {
  tone: string
  cooldown_s: number
  talkativeness: number
  muted: boolean
  instructions: string[]
  spoke_at: number | null
  turns: number
  silence: { reason: SilenceReason; text: string; number: number; at: number } | null
}
interface PersonaConfig {
  name: string
  conversation_id: string
  tone?: string
  about?: string
  cooldown_s?: number
  talkativeness?: number
  max_agent_turns?: number
}
/** A call or a question that waits for a person, or what became of one. */
export type InboxItem = Narrowed<Schemas['InboxItem'], { args: JsonObject; preview: JsonObject; final_args: JsonObject | null }>
export type InboxItemDetail = InboxItem & { decided_like: InboxItem[] }
export type DecideBody = Pick<Schemas['DecideBody'], 'actor' | 'decision'> &
  Partial<Narrowed<Schemas['DecideBody'], { args: JsonObject; remember: Pick<Schemas['Remember'], 'scope'> }>>
export type FileView = Schemas['FileView']
export type FileEntry = Schemas['FileEntry']
export type Held = Schemas['Held']
export type ScopeBudget = Schemas['ScopeBudget']
export type ModelRoute = Schemas['Route']
export type RouteList = Schemas['RouteList']
export type RouteCheck = Schemas['RouteCheck']
export type WebhookList = Schemas['WebhookList']
export type WebhookTrial = Schemas['WebhookTrial']
export type UsageNow = Schemas['UsageNow']
export type UsageSums = Schemas['UsageSums']
export type ModelCall = Schemas['ModelCall']
export type Prompt = Schemas['Prompt']
/** `now` and `before` are as the server described the tool. */
export type OfferedSpec = Narrowed<Schemas['OfferedSpec'], { now: JsonObject; before: JsonObject | null }>
export type McpServer = Narrowed<Schemas['McpServer'], { offered: OfferedSpec[] }>

export type SystemInfo = Narrowed<Schemas['System'], { sessions: StatusCounts }>

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}
export interface SessionsPage extends Page<SessionSummary> {
  counts: StatusCounts
  moods: Partial<Record<Mood, number>>
}

/** The part of JSON Schema that the agents' models use. */
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
  oneOf?: JsonSchema[]
  discriminator?: { propertyName: string }
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
  format?: string
}

/** Socket events, which OpenAPI does not describe. */
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
export interface ParticipantsEvent {
  room: string
  conversation_id: string
  changed: Participant[]
}
/** Title, pace, ceiling, or who has paused or ended it. */
export interface RulesEvent {
  room: string
  conversation_id: string
  rules: Conversation
}
export interface ComposingEvent {
  room: string
  conversation_id: string
  session_id: string | null
}
/** A model's answer while it comes; `offset` counts characters of the attempt's text. */
export interface TypingEvent {
  room: string
  agent_id: string
  session_id: string
  attempt: number
  offset: number
  text: string
  ended: boolean
}
export interface Typing {
  attempt: number
  text: string
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
  typing: Typing | null
}
export interface ConversationJoined {
  room: string
  head: number
  rows: Message[]
  participants: Participant[]
  conversation: Conversation
  without_person: number
  composing: string | null
}
export type DocumentFolder = Schemas['DocumentFolder']
export type DocumentList = Schemas['DocumentList']
/** A version of a document, or its end. */
export type DocumentRow = Schemas['DocumentRow']
export type DocumentDetail = Schemas['DocumentDetail']
export type DocumentText = Schemas['DocumentText']
/** A citation, looked up in the version that it names: `why` says what is wrong with it. */
export type CheckedCitation = Schemas['CheckedCitation']
/** The same, with the row or the message that it stands in. */
export type CitedPassage = Schemas['CitedPassage']
