"""A conversation and those who take part in it, as the API and the rooms show them."""

from collections.abc import Iterable
from typing import Any, Literal

import orjson

from reins.web.views.rows import Message, Row, StatusName, Wire, message_row
from store import messages
from store.conversations import MAX_CEILING
from store.reading import Reader
from store.times import iso

_CUT_TEXT = 300  # characters
_PAGE_BYTES = 8 << 20


class _Base(Wire):
    conversation_id: str
    title: str | None
    created_by: str
    created_at: str
    messages: int
    last_message_at: str | None
    last_message: Message | None
    pace: Literal["calm", "brisk", "free"]
    ceiling: int | None
    paused_by: str | None
    ended_by: str | None
    counted_from: int


class Conversation(_Base):
    """A conversation, with the number of its messages and the newest, its text cut at 300
    characters; `participants` is how many agents take part at present. `ceiling`: how many messages
    of agents may follow without a person's; null: what each agent's configuration says. They count
    from message `counted_from` on.
    """

    participants: int


class Participant(Wire):
    """An agent's session that takes part in a conversation, or did until `left_at`.

    `config` and `state` are the agent's own, null where nothing is stored of the session. `seq` is
    the newest row of its log: what has a lower one is older.
    """

    session_id: str
    agent_id: str
    name: str
    joined_at: str
    left_at: str | None
    status: StatusName
    error: str | None
    config: dict[str, Any] | None
    state: dict[str, Any] | None
    seq: int


class ConversationDetail(_Base):
    """A conversation in full: all who take part or did, in the order of joining.

    `composing` is the session that writes at this moment; null where none does, and where the
    worker is another process. `without_person`: the messages of agents since a person's word.
    """

    participants: list[Participant]
    without_person: int
    composing: str | None


class ConversationExport(Wire):
    """A conversation with all of its messages, as they were when it was asked for."""

    conversation: Conversation
    participants: list[Participant]
    messages: list[Message]


def conversation_row(
    row: Row,
    last: dict[str, Any] | None,
    participants: int | list[dict[str, Any]],
    usual_pace: str,
) -> dict[str, Any]:
    """A row of `conversations`, stored or journalled, in the shape of `Conversation`, or of
    `ConversationDetail` without what only that has; `last` is its newest message, as
    `brief_message`, and `usual_pace` the pace of those that have none of their own.
    """
    return {
        "conversation_id": row["conversation_id"],
        "title": row["title"],
        "created_by": row["created_by"],
        "created_at": iso(row["created_at"]),
        "messages": 0 if last is None else last["number"],
        "last_message_at": None if last is None else last["created_at"],
        "last_message": last,
        "participants": participants,
        "pace": row.get("pace") or usual_pace,
        "ceiling": row.get("ceiling"),
        "paused_by": row.get("paused_by"),
        "ended_by": row.get("ended_by"),
        "counted_from": row.get("counted_from") or 0,
    }


def without_person(row: Row, last: dict[str, Any] | None, store: Reader) -> int:
    """The number of agents' messages since a person has spoken, or has let them go on."""
    newest = 0 if last is None else int(last["number"])
    since = max(row.get("counted_from") or 0, newest - MAX_CEILING, 0)
    return newest - messages.last_of_people(row["conversation_id"], since, store=store)


def brief_message(row: Row | None) -> dict[str, Any] | None:
    """A row of `messages` in the shape of `Message`, a long text cut."""
    return None if row is None else message_row({**row, "text": row["text"][:_CUT_TEXT]})


def within(rows: Iterable[Row], size_bytes: int = _PAGE_BYTES) -> list[Row]:
    """The first message, and what comes after it as long as a page may be."""
    shown: list[Row] = []
    for row in rows:
        size_bytes -= len(row["text"])
        if shown and size_bytes < 0:
            break
        shown.append(row)
    return shown


def participant_row(row: Row, line: Row | None, config: str | None) -> dict[str, Any]:
    """A row of `participants`, stored or journalled, in the shape of `Participant`.

    `line` is what is known of its session: `seq`, `snapshot` (JSON), and columns that were written
    by hand.
    """
    known = line or {"seq": 0, "snapshot": None}
    snapshot = orjson.loads(known["snapshot"] or "{}")
    return {
        "session_id": row["session_id"],
        "agent_id": row["agent_id"],
        "name": row["name"],
        "joined_at": iso(row["joined_at"] or 0),
        "left_at": iso(row["left_at"]),
        "status": known.get("status") or snapshot.get("status", "stopped"),
        "error": known.get("error") or snapshot.get("error"),
        "config": None if config is None else orjson.loads(config),
        "state": snapshot.get("agent"),
        "seq": known["seq"],
    }
