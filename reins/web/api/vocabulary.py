"""The words of the API: the action types, and which status takes which verb."""

from collections.abc import Mapping
from typing import Any

from agent_core.actions.payloads import PAYLOADS
from agent_core.session.mood import CONCERN_KINDS, MOODS, ConcernKind, Mood
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


class MoodMeaning(Wire):
    """A mood, and what it means in a line."""

    name: Mood
    meaning: str


class ConcernMeaning(Wire):
    """A kind of causes, and what it means in a line."""

    name: ConcernKind
    meaning: str


class Vocabulary(Wire):
    """`moods` are the most urgent first, as are `concerns`, the kinds of causes."""

    action_types: list[str]
    statuses: list[StatusRule]
    moods: list[MoodMeaning]
    concerns: list[ConcernMeaning]


@api.get("/api/vocabulary", responses={200: Vocabulary})
def get_vocabulary() -> dict[str, Any]:
    """The action types that the runtime knows, the statuses with the verbs that each takes, and
    the words for how a session is.
    """
    return {
        "action_types": list(PAYLOADS),
        "statuses": [_rule(status) for status in Status],
        "moods": _meanings(MOODS),
        "concerns": _meanings(CONCERN_KINDS),
    }


def _meanings(words: Mapping[Any, str]) -> list[dict[str, str]]:
    return [{"name": name, "meaning": meaning} for name, meaning in words.items()]


def _rule(status: Status) -> dict[str, Any]:
    return {
        "name": status.value,
        "verbs": list(status.verbs),
        "ended": status.ended,
        "over": status.over,
    }
