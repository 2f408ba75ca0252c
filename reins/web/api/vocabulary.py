"""The words of the API: action types, which status takes which verb, fields of the search."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from agent_core.actions.actors import RESERVED
from agent_core.actions.payloads import PAYLOADS
from agent_core.session.mood import CONCERN_KINDS, MOODS, ConcernKind, Mood
from agent_core.session.restoring import RESTORE_S
from agent_core.session.status import Status, Verb
from reins.search.query import HELP as EVERYWHERE
from reins.web.http.openapi import group
from reins.web.views.rows import StatusName, Wire
from reins.web.views.search import FIELDS, NAMES

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


class SearchFieldRule(Wire):
    """A field of the search of sessions: part of one of its columns, or the `whole` of one."""

    name: str
    columns: list[str]
    whole: bool
    help: str


class FieldMeaning(Wire):
    """A field of the search of everything, with its sign, and what it asks for."""

    name: str
    meaning: str


class Vocabulary(Wire):
    """`moods` are the most urgent first, as are `concerns`, the kinds of causes. `names_columns`
    are those that a word without a field is looked for in; `reserved_names` name nobody, and are
    refused as an actor.
    """

    action_types: list[str]
    statuses: list[StatusRule]
    moods: list[MoodMeaning]
    concerns: list[ConcernMeaning]
    search_fields: list[SearchFieldRule]
    everywhere_fields: list[FieldMeaning]
    names_columns: list[str]
    reserved_names: list[str]
    restore_within_s: int


@api.get("/api/vocabulary", responses={200: Vocabulary})
def get_vocabulary() -> dict[str, Any]:
    """Action types, statuses with the verbs that each takes, moods, and fields of the search."""
    return {
        "action_types": list(PAYLOADS),
        "statuses": [_rule(status) for status in Status],
        "moods": _meanings(MOODS),
        "concerns": _meanings(CONCERN_KINDS),
        "search_fields": [{**asdict(field), "columns": list(field.columns)} for field in FIELDS],
        "everywhere_fields": _meanings(EVERYWHERE),
        "names_columns": list(NAMES.columns),
        "reserved_names": sorted(RESERVED),
        "restore_within_s": RESTORE_S,
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
