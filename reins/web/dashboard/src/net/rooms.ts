/** Names of rooms, as the server gives them: see `run_room` in reins/web/live/rooms.py. */

/** The room of one session, and of no other. The length is in characters, as the server counts them. */
export function runRoom(agentId: string, sessionId: string): string {
  const both = `${agentId}::${sessionId}`
  const isPlain = both.indexOf('::') === agentId.length && both.lastIndexOf('::') === agentId.length
  return isPlain ? `run::${both}` : `run::${[...agentId].length}::${both}`
}

export const conversationRoom = (conversationId: string): string => `conversation::${conversationId}`
