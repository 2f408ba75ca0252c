/** Every act that a person can ask for: each is sent by a `Request`, in the name of the actor. */

import { actor } from './actor.svelte'
import { api, type CreateSession } from '../net/api'
import { wordsOf } from './guidance-words'
import type { Request } from './request.svelte'
import type { Accepted, BulkItem, DecideBody, InboxItem, JsonObject, Mode, Verb } from '../net/wire'

type Answered<Answer = Accepted> = Promise<Answer | null>

const one = (accepted: Accepted): Accepted[] => [accepted]

/** An act in few words: "pause", "destroy: its work is done". */
const phrase = (verb: string, words: string): string => (words ? `${verb}: ${words}` : verb)

export function steer(request: Request, verb: Verb, sessionId: string, reason = ''): Answered {
  const body = { actor: actor.name, ...(reason ? { reason } : {}) }
  return request.send(phrase(verb, reason), [verb, sessionId, body], (key) => api.steer(sessionId, verb, body, key), one)
}

/** Resolves to the answer; `accepted` keeps those of its items that were enqueued. */
export function steerMany(request: Request, verb: Verb, sessionIds: string[], reason: string): Answered<{ items: BulkItem[] }> {
  const body = { verb, session_ids: sessionIds, actor: actor.name, ...(reason ? { reason } : {}) }
  return request.send(verb, body, (key) => api.bulk(body, key), ({ items }) => items.flatMap(enqueuedOf))
}

/** The same guidance for many. */
export function guideMany(request: Request, sessionIds: string[], guidance: JsonObject): Answered<{ items: BulkItem[] }> {
  const body = { verb: 'interrupt' as const, session_ids: sessionIds, guidance, actor: actor.name }
  return request.send(phrase('guidance', wordsOf(guidance)), body, (key) => api.bulk(body, key), ({ items }) => items.flatMap(enqueuedOf))
}

/** Lets many go on; what they are about is given up, and done again. */
export function restartTicks(request: Request, sessionIds: string[]): Answered<{ items: BulkItem[] }> {
  const body = { verb: 'resume' as const, session_ids: sessionIds, mode: 'now' as const, actor: actor.name }
  return request.send('give up the tick', body, (key) => api.bulk(body, key), ({ items }) => items.flatMap(enqueuedOf))
}

const enqueuedOf = ({ action_id, session_id }: BulkItem): Accepted[] =>
  action_id === null ? [] : [{ action_id, session_id, agent_id: null }]

export function guide(request: Request, sessionId: string, guidance: JsonObject | string, mode: Mode = 'steer'): Answered {
  const body = { guidance, mode, actor: actor.name }
  return request.send(phrase('guidance', wordsOf(guidance)), [sessionId, body], (key) => api.interrupt(sessionId, body, key), one)
}

/** One decision about what a session asks. */
export function decide(request: Request, item: Pick<InboxItem, 'item_id' | 'tool'>, decision: Omit<DecideBody, 'actor'>): Answered {
  const body = { ...decision, actor: actor.name }
  const words = phrase(decision.decision, decision.reason ?? decision.text ?? item.tool)
  return request.send(words, [item.item_id, body], (key) => api.decide(item.item_id, body, key), one)
}

/** `limit`: null removes the limit. */
export function setBudget(request: Request, sessionId: string, scope: string, unit: string, limit: number | null): Answered {
  const body = { guidance: { type: 'set_budget', scope, [unit]: limit }, mode: 'steer' as const, actor: actor.name }
  const words = phrase('guidance', `budget ${scope} ${unit} ${limit ?? 'none'}`)
  return request.send(words, [sessionId, body], (key) => api.interrupt(sessionId, body, key), one)
}

export function createSession(request: Request, session: Omit<CreateSession, 'actor'>): Answered {
  const body = { ...session, actor: actor.name }
  return request.send(`create ${body.agent_id}`, body, (key) => api.createSession(body, key), one)
}

/** Many in one request: all of them are asked for, or none. */
export function createSessions(request: Request, sessions: Omit<CreateSession, 'actor'>[]): Answered<{ items: Accepted[] }> {
  const body = sessions.map((session) => ({ ...session, actor: actor.name }))
  return request.send(`create ${body.length} sessions`, body, (key) => api.createSessions(body, key), ({ items }) => items)
}

export function createConversation(request: Request, conversationId: string, title: string): Answered {
  const body = { conversation_id: conversationId, actor: actor.name, ...(title ? { title } : {}) }
  return request.send(`create ${conversationId}`, body, (key) => api.createConversation(body, key), one)
}

export function postMessage(request: Request, conversationId: string, text: string): Answered {
  const body = { author: actor.name, text }
  return request.send(text, [conversationId, body], (key) => api.postMessage(conversationId, body, key), one)
}

export function reloadEnvironment(request: Request): Answered {
  const body = { actor: actor.name }
  return request.send('reload environment', body, (key) => api.reloadEnvironment(body, key), one)
}

/** `tools`: each by its name, with the SHA-256 of the spec that was looked at. It is done at once. */
export function agreeToSpecs(request: Request, server: string, tools: Record<string, string>): Answered<{ tools: string[] }> {
  const body = { tools, actor: actor.name }
  return request.send(`agree to ${Object.keys(tools).join(', ')}`, [server, body], (key) => api.agreeToSpecs(server, body, key), () => [])
}
