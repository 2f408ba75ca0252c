/** The only socket: rooms are joined again after every reconnect, each from where it had got to. */

import type { Socket } from 'socket.io-client'
import { at } from './base'
import { connection } from './connection.svelte'
import { late } from './late'
import { Fallback } from './fallback'
import { conversationRoom, runRoom } from './rooms'
import type {
  ActionRow,
  ComposingEvent,
  Conversation,
  ConversationJoined,
  HeadEvent,
  LogEvent,
  MessagesEvent,
  ParticipantsEvent,
  RulesEvent,
  RunJoined,
  SessionSummary,
  TypingEvent,
} from './wire'

interface SocketProblem {
  title: string
  status: number
  detail: string
}

interface Subscription {
  room: string
  /** The ids that each of its events bears: a room's name alone is not proof enough. */
  names?: Readonly<Record<string, string>>
  verb: string
  /** Asked at every (re)join, so that it names the newest row the page has by then. */
  body: () => object
  asked?: () => void
  joined?: (answer: never) => void
  refused?: (problem: SocketProblem) => void
  event?: (event: never) => void
  /** Returns false where something before it was missed. */
  typing?: (event: TypingEvent) => boolean
  head?: (event: HeadEvent) => void
  /** Asks for what the room would send, where there is no socket. */
  poll?: () => unknown
  /** Asked for, and not answered yet. */
  joining?: boolean
  /** Something was missed since: asked for once more after the answer. */
  again?: boolean
}

type Answer = ({ ok: true } & object) | { ok: false; problem: SocketProblem }

const ACK_TIMEOUT_MS = 10_000
const REJOIN_AFTER_MS = 2_000
const REFUSED_AS_TOO_MANY = 429

const RETRY_MS = 300
const RETRY_MAX_MS = 3_000
/** While the page asks instead: each attempt is an error in the browser's console. */
const RETRY_RARELY_MS = 30_000
/** A handshake that nobody answers; a socket that was cut sooner has not got through either. */
const OPEN_WITHIN_MS = 6_000

/** The page's first lines are there before it. */
const client = late(() => import('socket.io-client'))

const subscriptions = new Set<Subscription>()
let socket: Socket | null = null

const fallback = new Fallback({
  ask: () => Promise.allSettled([...subscriptions].map(async (each) => each.poll?.())),
  asks: (why) => {
    retry(RETRY_RARELY_MS, RETRY_RARELY_MS)
    connection.asks(why)
  },
  lost: () => {
    retry(RETRY_MS, RETRY_MAX_MS)
    connection.lost()
  },
})

function retry(after_ms: number, most_ms: number): void {
  socket?.io.reconnectionDelay(after_ms)
  socket?.io.reconnectionDelayMax(most_ms)
}

function failed(): void {
  if (!fallback.on) connection.lost()
  void fallback.failed()
}

/** Opens the connection; it lives as long as the page. */
export async function openSocket(): Promise<void> {
  const { io } = await client()
  let openedAt = 0
  socket = io({ path: at('/socket.io'), transports: ['websocket'], timeout: OPEN_WITHIN_MS })
  retry(RETRY_MS, RETRY_MAX_MS)
  socket.on('connect', () => {
    openedAt = performance.now()
    fallback.stop()
    retry(RETRY_MS, RETRY_MAX_MS)
    connection.opened()
    for (const each of subscriptions) join(each)
  })
  socket.on('disconnect', (reason) => {
    if (performance.now() - openedAt < OPEN_WITHIN_MS) failed()
    else connection.lost()
    // After a disconnect by the server, socket.io does not come back by itself.
    if (reason === 'io server disconnect') setTimeout(() => socket?.connect(), REJOIN_AFTER_MS)
  })
  socket.on('connect_error', () => {
    failed()
    // A refusal by the server, unlike a missing answer, ends socket.io's own attempts.
    if (!socket?.active) setTimeout(() => socket?.connect(), fallback.on ? RETRY_RARELY_MS : REJOIN_AFTER_MS)
  })
  socket.on('log', (event: LogEvent) => dispatch(event.room, event))
  for (const name of ['messages', 'participants', 'composing', 'rules']) {
    socket.on(name, (event: ConversationEvent) => dispatch(event.room, event))
  }
  socket.on('conversations', (event: { changed: Conversation[] }) => dispatch('conversations', event))
  socket.on('sessions', (event: { changed: SessionSummary[] }) => dispatch('sessions', event))
  socket.on('actions', (event: { changed: ActionRow[] }) => dispatch('queue', event))
  socket.on('typing', (event: TypingEvent) => {
    for (const each of subscriptions) {
      if (isFor(each, event.room, event) && each.typing?.(event) === false) joinAgain(each)
    }
  })
  socket.on('head', (event: HeadEvent) => {
    for (const each of subscriptions) {
      if (each.room !== event.room) continue
      // What was typed may be among what was missed: only an answer brings that.
      if (each.typing) joinAgain(each)
      else each.head?.(event)
    }
  })
}

function dispatch(room: string, event: object): void {
  for (const each of subscriptions) if (isFor(each, room, event)) each.event?.(event as never)
}

function isFor({ room, names }: Subscription, named: string, event: object): boolean {
  const ids = event as Partial<Record<string, unknown>>
  return room === named && Object.entries(names ?? {}).every(([name, id]) => ids[name] === id)
}

function join(wanted: Subscription): void {
  wanted.joining = true
  wanted.again = false
  wanted.asked?.()
  socket?.timeout(ACK_TIMEOUT_MS).emit(wanted.verb, wanted.body(), (error: Error | null, answer: Answer) => {
    wanted.joining = false
    if (!subscriptions.has(wanted)) return
    if (error || (!answer.ok && answer.problem.status === REFUSED_AS_TOO_MANY)) {
      setTimeout(() => socket?.connected && subscriptions.has(wanted) && join(wanted), REJOIN_AFTER_MS)
    } else if (answer.ok) {
      wanted.joined?.(answer as never)
      if (wanted.again) join(wanted)
    } else {
      wanted.refused?.(answer.problem)
    }
  })
}

function joinAgain(wanted: Subscription): void {
  if (wanted.joining) wanted.again = true
  else join(wanted)
}

function subscribe(wanted: Subscription): () => void {
  subscriptions.add(wanted)
  if (socket?.connected) join(wanted)
  else if (fallback.on) void wanted.poll?.()
  return () => {
    subscriptions.delete(wanted)
    const stillWanted = [...subscriptions].some((each) => each.room === wanted.room)
    if (!stillWanted && socket?.connected) socket.emit('unsubscribe', { room: wanted.room }, () => undefined)
  }
}

interface RunHandlers {
  afterSeq: () => number
  asked: () => void
  joined: (answer: RunJoined) => void
  event: (event: LogEvent) => void
  typing: (event: TypingEvent) => boolean
  poll?: () => Promise<void>
  refused?: (problem: SocketProblem) => void
}

/** Each returns the function that leaves the room. */
export const joinRun = (agentId: string, sessionId: string, handlers: RunHandlers): (() => void) =>
  subscribe({
    ...handlers,
    room: runRoom(agentId, sessionId),
    names: { agent_id: agentId, session_id: sessionId },
    verb: 'subscribe',
    body: () => ({ agent_id: agentId, session_id: sessionId, after_seq: handlers.afterSeq() }),
  })

export const joinSessions = (handlers: {
  joined: () => void
  event: (event: { changed: SessionSummary[] }) => void
  head: () => void
  poll: () => unknown
}): (() => void) => subscribe({ ...handlers, room: 'sessions', verb: 'subscribe_sessions', body: () => ({}) })

export const joinQueue = (handlers: {
  joined?: () => void
  event: (event: { changed: ActionRow[] }) => void
  head?: () => void
  poll?: () => unknown
}): (() => void) => subscribe({ ...handlers, room: 'queue', verb: 'subscribe_queue', body: () => ({}) })

export const joinConversations = (handlers: {
  joined: () => void
  event: (event: { changed: Conversation[] }) => void
  head: () => void
  poll: () => unknown
}): (() => void) => subscribe({ ...handlers, room: 'conversations', verb: 'subscribe_conversations', body: () => ({}) })

export type ConversationEvent = MessagesEvent | ParticipantsEvent | ComposingEvent | RulesEvent

/** A person writes there: the next turn waits a little. Without a socket nobody is held back. */
export function tellWriting(conversationId: string): void {
  if (socket?.connected) socket.emit('writes', { conversation_id: conversationId }, () => undefined)
}

export const joinConversation = (
  conversationId: string,
  handlers: {
    after: () => number
    joined: (answer: ConversationJoined) => void
    event: (event: ConversationEvent) => void
    head: (event: HeadEvent) => void
    poll: () => Promise<void>
    refused?: (problem: SocketProblem) => void
  },
): (() => void) =>
  subscribe({
    ...handlers,
    room: conversationRoom(conversationId),
    names: { conversation_id: conversationId },
    verb: 'subscribe_conversation',
    body: () => ({ conversation_id: conversationId, after: handlers.after() }),
  })
