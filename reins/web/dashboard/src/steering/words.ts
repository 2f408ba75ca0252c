/** One word for one act, wherever the page names it; docs/glossary.md has the same table. */

const WORDS: Record<string, string> = {
  create_agent: 'Create',
  agent_pause: 'Pause',
  agent_resume: 'Resume',
  agent_interrupt: 'Guidance',
  agent_destroy: 'Destroy',
  agent_restore: 'Undo destroy',
  agent_hasten: 'Apply now',
  note_add: 'Note',
  view_save: 'Save view',
  inbox_decide: 'Decision',
  rule_revoke: 'Revoke rule',
  conversation_create: 'New conversation',
  conversation_pause: 'Pause room',
  conversation_resume: 'Resume room',
  conversation_set: 'Change room',
  conversation_end: 'End room',
  post_message: 'Message',
  memory_put: 'Remember',
  memory_forget: 'Forget',
  memory_restore: 'Restore memory',
  evidence_undo: 'Undo evidence',
  publish: 'Publish',
  dead_letter_replay: 'Replay',
  topic_set: 'Set bounds',
  schedule_set: 'Set schedule',
  schedule_pause: 'Pause schedule',
  schedule_run: 'Run schedule',
  schedule_remove: 'Remove schedule',
  environment_reload: 'Reload environment',
}

/** The word of an action's type; of one that the page does not know, its own without the marks. */
export const actWord = (type: string): string => WORDS[type] ?? type.replace(/^agent_/, '').replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())
