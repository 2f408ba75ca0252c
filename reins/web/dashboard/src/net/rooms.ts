/** Names of rooms, as the server gives them: see `run_room` in reins/web/live/rooms.py. */

const hidesSeparator = (id: string): boolean => id.includes('::') || id.startsWith(':') || id.endsWith(':')

/** The room of one session, and of no other. The length is in characters, as the server counts them. */
export function runRoom(agentId: string, sessionId: string): string {
  const isPlain = !hidesSeparator(agentId) && !hidesSeparator(sessionId)
  return isPlain ? `run::${agentId}::${sessionId}` : `run::${[...agentId].length}::${agentId}::${sessionId}`
}

export const conversationRoom = (conversationId: string): string => `conversation::${conversationId}`
