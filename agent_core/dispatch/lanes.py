"""The order of the actions of one poll: by lane, the most urgent first."""

from collections.abc import Sequence

from agent_core.actions.payloads import PAYLOADS
from agent_core.dispatch.queued import QueuedAction


def in_order(actions: Sequence[QueuedAction]) -> list[QueuedAction]:
    """By lane, the most urgent lane first; within a lane as they come, in the order of commit.

    Before all other lanes go those that create a conversation: sessions of any lane may need it.
    """
    lanes: dict[str, list[QueuedAction]] = {}
    for action in actions:
        lanes.setdefault(action.lane, []).append(action)
    ordered = sorted(lanes.values(), key=_precedence)
    return [action for lane in ordered for action in lane]


def _precedence(lane: list[QueuedAction]) -> tuple[bool, int]:
    kinds = (PAYLOADS.get(action.action_type) for action in lane)
    opens = any(kind is not None and kind.opens_conversation for kind in kinds)
    return not opens, -max(action.row["urgency"] or 0 for action in lane)
