"""A decision about what a session has asked: checked, told to the agent, on record with its item.

It is taken in as guidance is, at a safe point, and a tick follows at once.
"""

from dataclasses import replace

from agent_core.agent.base import AgentBase
from agent_core.agent.guidance import Taken
from agent_core.session.controls import Decide
from agent_core.session.decisions import Decision, DecisionRejectedError


async def take_decision(agent: AgentBase, control: Decide) -> Taken:
    """Let the agent take it in. Raises: DecisionRejectedError; nothing has changed then."""
    decision, reviewed = control.decision, None
    control.asked.check(decision)
    if decision.decision == "edit":
        reviewed = await agent.review(decision.tool, decision.args or {})
        decision = replace(decision, args=reviewed.args, call_hash=reviewed.call_hash)
    recording = control.asked.recording(decision, reviewed)
    return Taken(await _told(agent, decision), recording=recording)


async def _told(agent: AgentBase, decision: Decision) -> str:
    try:
        return await agent.decided(decision)
    except DecisionRejectedError:
        if decision.decision == "expire":  # no word of the agent makes time go on
            return f"{decision.item_id} has expired"
        raise
