"""The words of the API: the action types, and which status takes which verb."""

from typing import Any

from agent_core.actions.payloads import PAYLOADS
from agent_core.session.status import Status, Verb
from reins.web.http.openapi import group
from reins.web.views.rows import StatusName, Wire

api = group("vocabulary", "system")


class StatusRule(Wire):
    """`ended`: nothing of the session runs; `over`: only a new creation goes on with its log."""

    name: StatusName
    verbs: list[Verb]
    ended: bool
    over: bool


class Vocabulary(Wire):
    action_types: list[str]
    statuses: list[StatusRule]


@api.get("/api/vocabulary", responses={200: Vocabulary})
def get_vocabulary() -> dict[str, Any]:
    """The action types that the runtime knows, and the statuses with the verbs that each takes."""
    return {"action_types": list(PAYLOADS), "statuses": [_rule(status) for status in Status]}


def _rule(status: Status) -> dict[str, Any]:
    return {
        "name": status.value,
        "verbs": list(status.verbs),
        "ended": status.ended,
        "over": status.over,
    }
