/** Every act that a person can ask for: each is sent by a `Request`, in the name of the actor. */

import { actor } from './actor.svelte'
import { api, type CreateSession, type FactChange, type FactOwner, type FactVerb, type MemoryAddress, type NewFact, type RoomSettings, type RoomVerb, type ScheduleSettings, type ScheduleVerb } from '../net/api'
import { wordsOf } from './guidance-words'
import type { Request } from './request.svelte'
import type { Accepted, BulkItem, DeadLetter, DecideBody, InboxItem, Json, JsonObject, Mode, Saved, Verb } from '../net/wire'

type Answered<Answer = Accepted> = Promise<Answer | null>

const one = (accepted: Accepted): Accepted[] => [accepted]

/** An act in few words: "pause", "destroy: its work is done". */
const phrase = (verb: string, words: string): string => (words ? `${verb}: ${words}` : verb)

export async function steer(request: Request, verb: Verb, sessionId: string, reason = ''): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { actor: by, ...(reason ? { reason } : {}) }
  return request.send(phrase(verb, reason), [verb, sessionId, body], (key) => api.steer(sessionId, verb, body, key), one)
}

/** Resolves to the answer; `accepted` keeps those of its items that were enqueued. */
export async function steerMany(request: Request, verb: Verb, sessionIds: string[], reason: string): Answered<{ items: BulkItem[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = { verb, session_ids: sessionIds, actor: by, ...(reason ? { reason } : {}) }
  return request.send(verb, body, (key) => api.bulk(body, key), ({ items }) => items.flatMap(enqueuedOf))
}

/** The same guidance for many. */
export async function guideMany(request: Request, sessionIds: string[], guidance: JsonObject): Answered<{ items: BulkItem[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = { verb: 'interrupt' as const, session_ids: sessionIds, guidance, actor: by }
  return request.send(phrase('guidance', wordsOf(guidance)), body, (key) => api.bulk(body, key), ({ items }) => items.flatMap(enqueuedOf))
}

/** Lets many go on; what they are about is given up, and done again. */
export async function restartTicks(request: Request, sessionIds: string[]): Answered<{ items: BulkItem[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = { verb: 'resume' as const, session_ids: sessionIds, mode: 'now' as const, actor: by }
  return request.send('give up the tick', body, (key) => api.bulk(body, key), ({ items }) => items.flatMap(enqueuedOf))
}

const enqueuedOf = ({ action_id, session_id }: BulkItem): Accepted[] =>
  action_id === null ? [] : [{ action_id, session_id, agent_id: null }]

export async function guide(request: Request, sessionId: string, guidance: JsonObject | string, mode: Mode = 'steer'): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { guidance, mode, actor: by }
  return request.send(phrase('guidance', wordsOf(guidance)), [sessionId, body], (key) => api.interrupt(sessionId, body, key), one)
}

/** Takes guidance back that was applied: the former value, as guidance of its own. */
export async function undo(request: Request, actionId: string, what: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { actor: by }
  return request.send(phrase('guidance', `undo ${what}`), [actionId, body], (key) => api.undo(actionId, body, key), one)
}

export async function steerConversation(request: Request, conversationId: string, verb: RoomVerb, reason = ''): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { actor: by, ...(reason ? { reason } : {}) }
  return request.send(phrase(`${verb} ${conversationId}`, reason), [verb, conversationId, body], (key) => api.steerConversation(conversationId, verb, body, key), one)
}

export async function setConversation(request: Request, conversationId: string, settings: RoomSettings): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...settings, actor: by }
  return request.send(`set ${conversationId}: ${wordsOf(settings as JsonObject)}`, [conversationId, body], (key) => api.setConversation(conversationId, body, key), one)
}

/** A new conversation that begins with the messages up to one; its personas go on there as new sessions, one of them first. */
export async function branchConversation(request: Request, conversationId: string, upto: number, branchId: string, title: string, speaker: string | null): Answered<{ items: Accepted[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = { branch_id: branchId, upto, title, actor: by, ...(speaker === null ? {} : { speaker }) }
  return request.send(`branch ${conversationId} at #${upto}`, [conversationId, body], (key) => api.branchConversation(conversationId, body, key), ({ items }) => items)
}

/** One decision about what a session asks. */
export async function decide(request: Request, item: Pick<InboxItem, 'item_id' | 'tool'>, decision: Omit<DecideBody, 'actor'>): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...decision, actor: by }
  const words = phrase(decision.decision, decision.reason ?? decision.text ?? item.tool)
  return request.send(words, [item.item_id, body], (key) => api.decide(item.item_id, body, key), one)
}

/** Guidance that waits for the end of a tick is applied now. */
export async function hasten(request: Request, sessionId: string, guidanceId: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { guidance_id: guidanceId, actor: by }
  return request.send('apply now', [sessionId, body], (key) => api.hasten(sessionId, body, key), one)
}

/** A remark that stays at a row of the log. */
export async function note(request: Request, sessionId: string, seq: number, text: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { text, actor: by }
  return request.send(phrase('note', `#${seq}`), [sessionId, seq, body], (key) => api.addNote(sessionId, seq, body, key), one)
}

/** `limit`: null removes the limit. */
export async function setBudget(request: Request, sessionId: string, scope: string, unit: string, limit: number | null): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { guidance: { type: 'set_budget', scope, [unit]: limit }, mode: 'steer' as const, actor: by }
  const words = phrase('guidance', `budget ${scope} ${unit} ${limit ?? 'none'}`)
  return request.send(words, [sessionId, body], (key) => api.interrupt(sessionId, body, key), one)
}

export async function createSession(request: Request, session: Omit<CreateSession, 'actor'>): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...session, actor: by }
  return request.send(`create ${body.agent_id}`, body, (key) => api.createSession(body, key), one)
}

/** Many in one request: all of them are asked for, or none. */
export async function createSessions(request: Request, sessions: Omit<CreateSession, 'actor'>[]): Answered<{ items: Accepted[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = sessions.map((session) => ({ ...session, actor: by }))
  return request.send(`create ${body.length} sessions`, body, (key) => api.createSessions(body, key), ({ items }) => items)
}

export async function createConversation(request: Request, conversationId: string, title: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { conversation_id: conversationId, actor: by, ...(title ? { title } : {}) }
  return request.send(`create ${conversationId}`, body, (key) => api.createConversation(body, key), one)
}

export async function postMessage(request: Request, conversationId: string, text: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { author: by, text }
  return request.send(text, [conversationId, body], (key) => api.postMessage(conversationId, body, key), one)
}

/** Gives a memory a value, on record as the actor's. */
export async function putMemory(request: Request, of: MemoryAddress, value: Json): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...of, value, actor: by }
  return request.send(`remember ${of.key}`, ['put', body], (key) => api.putMemory(body, key), one)
}

/** It is recalled no more, until it is restored. */
export async function changeMemory(request: Request, verb: 'forget' | 'restore', of: MemoryAddress & { version?: number }): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...of, actor: by }
  return request.send(`${verb} ${of.key}`, [verb, body], (key) => (verb === 'forget' ? api.forgetMemory : api.restoreMemory)(body, key), one)
}

/** Asserts a fact, on record as the actor's. */
export async function rememberFact(request: Request, fact: NewFact): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...fact, actor: by }
  return request.send(`${fact.subject} · ${fact.relation} · ${fact.object}`, body, (key) => api.rememberFact(body, key), one)
}

/** Ends a fact from now on; or says that it, or all of its source, never was; or takes the newest of these back. */
export async function changeFact(request: Request, verb: FactVerb, of: FactChange, what: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...of, actor: by }
  return request.send(phrase(verb, what), [verb, body], (key) => api.changeFact(verb, body, key), one)
}

/** Decides whether two names are of one entity. */
export async function decideAlias(request: Request, whose: FactOwner, name: string, other: string, decision: 'same' | 'different'): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...whose, name, other, decision, actor: by }
  return request.send(`${name} and ${other} are ${decision === 'same' ? 'one' : 'two'}`, body, (key) => api.decideAlias(body, key), one)
}

/** A message to a topic, JSON or a text; the first one makes the topic. */
export async function publish(request: Request, topic: string, message: Json): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { message, actor: by }
  return request.send(typeof message === 'string' ? message : JSON.stringify(message), [topic, body], (key) => api.publish(topic, body, key), one)
}

/** Publishes to a topic when it is due; under an id that is there, it is changed. */
export async function setSchedule(request: Request, scheduleId: string, settings: ScheduleSettings): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { ...settings, actor: by }
  return request.send(`schedule ${scheduleId}`, [scheduleId, body], (key) => api.setSchedule(scheduleId, body, key), one)
}

export async function steerSchedule(request: Request, scheduleId: string, verb: ScheduleVerb): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { actor: by }
  return request.send(`${verb} ${scheduleId}`, [verb, scheduleId, body], (key) => api.steerSchedule(scheduleId, verb, body, key), one)
}

export async function removeSchedule(request: Request, scheduleId: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  return request.send(`remove ${scheduleId}`, ['remove', scheduleId, by], () => api.removeSchedule(scheduleId, by), one)
}

/** A file, or what is at an address, becomes a document, or a version of one. */
export async function addDocument(request: Request, what: File | string): Answered {
  const by = await actor.named()
  if (by === null) return null
  if (typeof what === 'string') return request.send(`add ${what}`, [what, by], (key) => api.addDocument({ source: what, actor: by }, key), one)
  return request.send(`add ${what.name}`, [what.name, what.size, what.lastModified, by], () => api.addFile(what, by), one)
}

export async function removeDocument(request: Request, documentId: string): Answered {
  const by = await actor.named()
  if (by === null) return null
  return request.send(`remove ${documentId}`, ['remove', documentId, by], () => api.removeDocument(documentId, by), one)
}

/** A message that a subscriber could not use is given to it again. */
export async function replayLetter(request: Request, { letter_id, topic, number }: DeadLetter): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { actor: by }
  return request.send(`replay ${topic} #${number}`, [letter_id, body], (key) => api.replayLetter(letter_id, body, key), one)
}

/** The same of many, in one request. */
export async function replayLetters(request: Request, topic: string, letterIds: string[]): Answered<{ items: Accepted[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = { letter_ids: letterIds, actor: by }
  return request.send(`replay ${letterIds.length} of ${topic}`, body, (key) => api.replayLetters(body, key), ({ items }) => items)
}

export async function reloadEnvironment(request: Request): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { actor: by }
  return request.send('reload environment', body, (key) => api.reloadEnvironment(body, key), one)
}

/** `tools`: each by its name, with the SHA-256 of the spec that was looked at. It is done at once. */
export async function agreeToSpecs(request: Request, server: string, tools: Record<string, string>): Answered<{ tools: string[] }> {
  const by = await actor.named()
  if (by === null) return null
  const body = { tools, actor: by }
  return request.send(`agree to ${Object.keys(tools).join(', ')}`, [server, body], (key) => api.agreeToSpecs(server, body, key), () => [])
}

/** A view of the list, or a template of sessions; null removes it. */
export async function save(request: Request, kind: Saved['kind'], name: string, content: JsonObject | null): Answered {
  const by = await actor.named()
  if (by === null) return null
  const body = { kind, name, content, actor: by }
  return request.send(`${content === null ? 'remove' : 'save'} ${name}`, body, (key) => api.save(body, key), one)
}
