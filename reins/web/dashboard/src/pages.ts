/** The pages, one row each: the rail, the palette, the keyboard and the app read this table. */

import type { Component } from 'svelte'
import SessionsPage from './pages/sessions/SessionsPage.svelte'
import { late } from './net/late'
import { attention } from './state/attention.svelte'

export interface PageRow {
  /** "/queue"; a last part ":id" stands for the id that the page is about (`router.id`). */
  path: string
  name: string
  /** After "g" it leads there; a page that has a key is in the rail. */
  key?: string
  /** False: the rail of a phone has no room for it, and another page leads there. */
  small?: boolean
  load: () => Promise<{ default: Component<Record<string, never>> }>
  /** How much on the page needs a person. */
  count?: () => number
}

/** The first one is at "/", too, and comes with the first load; the others come when they are opened. */
const PAGES: readonly PageRow[] = [
  { path: '/sessions', name: 'Sessions', key: 's', load: late(() => Promise.resolve({ default: SessionsPage })) },
  { path: '/sessions/:id', name: 'Session', load: late(() => import('./pages/session/SessionPage.svelte')) },
  { path: '/conversations', name: 'Conversations', key: 'c', load: late(() => import('./pages/conversations/ConversationsPage.svelte')) },
  { path: '/conversations/:id', name: 'Conversation', load: late(() => import('./pages/conversation/ConversationPage.svelte')) },
  { path: '/topics', name: 'Topics', key: 't', load: late(() => import('./pages/topics/TopicsPage.svelte')) },
  { path: '/topics/:id', name: 'Topic', load: late(() => import('./pages/topic/TopicPage.svelte')) },
  { path: '/schedules', name: 'Schedules', key: 'h', small: false, load: late(() => import('./pages/schedules/SchedulesPage.svelte')) },
  { path: '/search', name: 'Search', key: '/', small: false, load: late(() => import('./pages/search/SearchPage.svelte')) },
  { path: '/facts', name: 'Facts', key: 'f', small: false, load: late(() => import('./pages/facts/FactsPage.svelte')) },
  { path: '/facts/:id', name: 'Entity', load: late(() => import('./pages/entity/EntityPage.svelte')) },
  { path: '/documents', name: 'Documents', key: 'd', small: false, load: late(() => import('./pages/documents/DocumentsPage.svelte')) },
  { path: '/documents/:id', name: 'Document', load: late(() => import('./pages/document/DocumentPage.svelte')) },
  { path: '/queue', name: 'Queue', key: 'q', load: late(() => import('./pages/queue/QueuePage.svelte')) },
  { path: '/attention', name: 'Attention', key: 'a', load: late(() => import('./pages/attention/AttentionPage.svelte')), count: () => attention.count },
  { path: '/sql', name: 'SQL', key: 'l', small: false, load: late(() => import('./pages/sql/SqlPage.svelte')) },
  { path: '/help/:id', name: 'Help', load: late(() => import('./pages/help/DocumentPage.svelte')) },
  { path: '/system', name: 'System', key: 'y', load: late(() => import('./pages/system/SystemPage.svelte')) },
]

/** The pages of the rail. */
export const MAIN_PAGES = PAGES.filter((each): each is PageRow & { key: string } => each.key !== undefined)

/** The page at a path; undefined where there is none. */
export function pageAt(path: string): PageRow | undefined {
  const parts = path === '/' ? ['sessions'] : path.split('/').filter(Boolean)
  return PAGES.find((row) => {
    const [, ...own] = row.path.split('/')
    return own.length === parts.length && own[0] === parts[0]
  })
}
