/** Hits of a search: where each stands, what it is called, and which parts of its text were asked for. */

import { at } from '../../net/base'
import type { HitGroup, SearchHit } from '../../net/wire'
import { conversationPath, libraryPath, messagePath, sessionPath, topicPath } from '../../shell/router.svelte'

const TOPIC = 'topic:'

/** Where the row stands, to open it. */
export function hitPath(hit: SearchHit): string {
  if (hit.action_id) return at(`/queue?action=${encodeURIComponent(hit.action_id)}`)
  if (hit.document_id) return libraryPath(hit.document_id, hit.place)
  const conversation = hit.conversation_id
  if (conversation?.startsWith(TOPIC)) return topicPath(conversation.slice(TOPIC.length), hit.number ?? undefined)
  if (conversation) return hit.number === null ? conversationPath(conversation) : messagePath(conversation, hit.number)
  return hit.session_id ? sessionPath(hit.session_id, hit.number ?? undefined) : at('/sessions')
}

export function groupPath(group: HitGroup): string {
  if (group.document_id) return libraryPath(group.document_id)
  const conversation = group.conversation_id
  if (conversation?.startsWith(TOPIC)) return topicPath(conversation.slice(TOPIC.length))
  if (conversation) return conversationPath(conversation)
  return group.session_id ? sessionPath(group.session_id) : at('/sessions')
}

export function groupName(group: HitGroup): string {
  const { session_id: session, agent_id: agent, conversation_id: conversation } = group
  if (conversation?.startsWith(TOPIC)) return `topic ${conversation.slice(TOPIC.length)}`
  if (conversation) return conversation
  if (group.document_id) return `document ${group.document_id}`
  if (!session) return 'of no session'
  return agent && agent !== session ? `${agent} · ${session}` : session
}

/** How the API names a row that others are to be like; empty where it cannot. */
export const likeName = (hit: SearchHit): string =>
  hit.number !== null && (hit.source === 'step' || hit.source === 'message') ? `${hit.conversation_id ?? hit.session_id}:${hit.number}` : ''

const WORDS: Readonly<Record<string, string>> = { tick: 'said', intent: 'thinks', final: 'result', put: 'memory', forget: 'forgotten', restore: 'memory' }
export const kindName = (hit: { kind: string }): string => WORDS[hit.kind] ?? hit.kind.replaceAll('_', ' ')

/** The words of a query, without its fields. */
export const wordsOf = (query: string): string[] =>
  [...query.matchAll(/(-?)(?:[A-Za-z_]\w*(?:>=|<=|>|<|=|:))?(?:"([^"]*)"|(\S+))/g)]
    .filter(([whole, minus]) => !minus && !/^[A-Za-z_]\w*(>=|<=|>|<|=|:)/.test(whole))
    .map(([, , phrase, word]) => phrase ?? word ?? '')
    .filter(Boolean)

/** The text in parts, every second of which was asked for. */
export function marked(text: string, words: readonly string[]): string[] {
  if (words.length === 0) return [text]
  const any = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  return text.split(new RegExp(`(${any})`, 'iu'))
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** "12 rows in 5 sessions, 3 conversations". */
export function counted(groups: readonly HitGroup[]): string {
  const rows = groups.reduce((sum, { hits }) => sum + hits.length, 0)
  const conversations = groups.filter(({ conversation_id: id }) => id !== null && !id.startsWith(TOPIC)).length
  const topics = groups.filter(({ conversation_id: id }) => id?.startsWith(TOPIC)).length
  const sessions = groups.filter(({ session_id: id }) => id !== null).length
  const documents = groups.filter(({ document_id: id }) => id !== null).length
  const places = [sessions && plural(sessions, 'session'), conversations && plural(conversations, 'conversation'), topics && plural(topics, 'topic'), documents && plural(documents, 'document')].filter(Boolean)
  return `${plural(rows, 'row')}${places.length > 0 ? ` in ${places.join(', ')}` : ''}`
}
