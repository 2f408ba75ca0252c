/** One word for one act, wherever the page names it; docs/glossary.md has the same table. */

const WORDS: Record<string, string> = {
  create_agent: 'Create',
  agent_pause: 'Pause',
  agent_resume: 'Resume',
  agent_interrupt: 'Guidance',
  agent_destroy: 'Destroy',
  inbox_decide: 'Decision',
  rule_revoke: 'Revoke rule',
  conversation_create: 'New conversation',
  post_message: 'Message',
  environment_reload: 'Reload environment',
}

/** The word of an action's type; of one that the page does not know, its own without the marks. */
export const actWord = (type: string): string => WORDS[type] ?? type.replace(/^agent_/, '').replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())
