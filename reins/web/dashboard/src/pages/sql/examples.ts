/** Statements to begin with: what people ask most. */

export interface Example {
  title: string
  statement: string
}

export const EXAMPLES: readonly Example[] = [
  {
    title: 'Ticks by hour',
    statement: `SELECT date_trunc('hour', created_at) AS hour, count(*) AS ticks
FROM agent_steps WHERE kind = 'tick' AND created_at > now() - INTERVAL 7 DAY
GROUP BY 1 ORDER BY 1`,
  },
  {
    title: 'The dearest ticks',
    statement: `SELECT session_id, seq, cost_usd, tokens_in, tokens_out, left(text, 80) AS text
FROM agent_steps WHERE kind = 'tick' ORDER BY cost_usd DESC LIMIT 20`,
  },
  {
    title: 'Cost by agent',
    statement: `SELECT agent_id, sum(cost_usd) AS usd, sum(tokens_in + tokens_out) AS tokens, count(*) AS ticks
FROM agent_steps WHERE kind = 'tick' GROUP BY 1 ORDER BY 2 DESC LIMIT 20`,
  },
  {
    title: 'Sessions by status',
    statement: `SELECT status, count(*) AS sessions FROM agent_state GROUP BY 1 ORDER BY 2 DESC`,
  },
  {
    title: 'Errors by their words',
    statement: `SELECT left(error, 60) AS error, count(*) AS times, max(created_at) AS last
FROM agent_steps WHERE error IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 20`,
  },
  {
    title: 'Who asked for what',
    statement: `SELECT actor, type, count(*) AS actions, count(*) FILTER (outcome = 'rejected') AS rejected
FROM queue GROUP BY 1, 2 ORDER BY 3 DESC`,
  },
  {
    title: 'Out of JSON',
    statement: `SELECT payload->>'subject' AS subject, count(*) AS jokes
FROM agent_steps WHERE kind = 'tick' GROUP BY 1 ORDER BY 2 DESC LIMIT 20`,
  },
]
