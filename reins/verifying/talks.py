"""Conversations: their messages, who wrote them, and who takes part."""

from collections.abc import Iterator
from typing import Any

import orjson

from agent_core.actions.payloads import (
    BoardDelete,
    BoardPut,
    DeadLetterReplay,
    PostMessage,
    Publish,
)
from agent_core.dispatch.queued import QueuedAction
from reins.verifying.facts import Facts, about
from reins.verifying.finding import Finding
from store import conversations, messages, participants
from store.kv import board_of
from store.lance.tables import Row
from store.topics import is_mailbox, is_topic, topic_in

_PLACE = ("conversation_id", "number", "message_id", "journal_n")


def messages_in_order(facts: Facts) -> Iterator[Finding]:
    newest: dict[str, int] = {}
    for row in facts.messages:
        expected = newest.get(row["conversation_id"], 0) + 1
        number = row["number"]
        if number > expected:
            message = f"message {expected} is missing before message {number}"
            yield Finding("messages_in_order", message, about(row, *_PLACE))
        elif number < expected:
            message = f"message {number} comes again after message {expected - 1}"
            yield Finding("messages_in_order", message, about(row, *_PLACE))
        newest[row["conversation_id"]] = max(number, expected - 1)


def message_ids_unique(facts: Facts) -> Iterator[Finding]:
    seen: set[str] = set()
    for row in facts.messages:
        if row["message_id"] in seen:
            message = "two messages have one id"
            yield Finding("message_ids_unique", message, about(row, *_PLACE))
        seen.add(row["message_id"])


def replies_have_ticks(facts: Facts) -> Iterator[Finding]:
    """A persona's message and the row of its tick are both there, and say the same."""
    spoken = {each.message_id: each for each in facts.logs.spoken}
    texts = _texts(facts, [row for row in facts.messages if row["message_id"] in spoken])
    for row in facts.messages:
        if row["session_id"] is None or _is_copy(row) or is_topic(row["conversation_id"]):
            continue
        tick = spoken.pop(row["message_id"], None)
        if tick is None:
            message = "the message has no tick"
        else:
            says = (row["session_id"], row["conversation_id"], row["number"], _tick_of(row))
            its = (tick.place.session_id, tick.conversation_id, tick.number, tick.step)
            if says == its and texts.get(row["journal_n"]) == tick.text:
                continue
            message = f"the message and its tick (seq {tick.place.seq}) say different things"
        found = about(row, "session_id", *_PLACE)
        yield Finding("replies_have_ticks", message, found)
    for tick in spoken.values():
        message = f"the tick says that it wrote message {tick.number}; it is not there"
        where = {**tick.place._asdict(), "message_id": tick.message_id}
        where["journal_n"] = where.pop("number")
        yield Finding("replies_have_ticks", message, where)


def _texts(facts: Facts, rows: list[Row]) -> dict[int, str]:
    """The texts of messages by their journal numbers."""
    wanted = {row["journal_n"] for row in rows}
    found = facts.snapshot.rows(messages.TABLE, ["text"]) if wanted else ()
    return {each.number: each.row["text"] for each in found if each.number in wanted}


def _tick_of(row: Row) -> Any:
    try:
        return orjson.loads(row["metadata"])["tick"]
    except (ValueError, TypeError, KeyError):
        return None


def _is_copy(row: Row) -> bool:
    """True of a message that a branch begins with."""
    return f'"{messages.COPIED_FROM}":' in (row["metadata"] or "")


def _source_of(row: Row) -> str | None:
    """The schedule or webhook that published a message of a topic by itself."""
    found = orjson.loads(row["metadata"] or "{}")
    return found.get("source") if isinstance(found, dict) else None


def posts_have_actions(facts: Facts) -> Iterator[Finding]:
    for row in facts.messages:
        if row["session_id"] is not None or row["agent_id"] is not None or _is_copy(row):
            continue
        if is_topic(row["conversation_id"]) and _source_of(row) is not None:
            continue
        action = facts.actions.get(row["message_id"])
        if action is None or action["type"] not in _posting(row["conversation_id"]):
            message = "a person's message has the id of no action that posts one"
        elif not _names(action, row["conversation_id"]):
            message = "the message stands in another conversation than its action names"
        else:
            continue
        yield Finding("posts_have_actions", message, about(row, *_PLACE))


def _posting(conversation_id: str) -> tuple[str, ...]:
    """The types of the actions that write a person's message there."""
    if is_mailbox(conversation_id):
        return (DeadLetterReplay.action_type,)
    if not is_topic(conversation_id):
        return (PostMessage.action_type,)
    if board_of(topic_in(conversation_id)) is not None:
        return BoardPut.action_type, BoardDelete.action_type
    return (Publish.action_type,)


def _names(action: Row, conversation_id: str) -> bool:
    """True if the action is for that conversation; a replay names its letter alone."""
    lane = f"conversation {conversation_id}"
    return is_mailbox(conversation_id) or QueuedAction(action).lane == lane


def conversations_there(facts: Facts) -> Iterator[Finding]:
    there = {found.row["conversation_id"] for found in facts.snapshot.rows(conversations.TABLE)}
    named = {row["conversation_id"] for row in facts.messages}
    named |= {row["conversation_id"] for row in _participants(facts).values()}
    for conversation_id in sorted(named - there):
        message = "messages or participants name a conversation that is not there"
        yield Finding("conversations_there", message, {"conversation_id": conversation_id})


def participants_agree(facts: Facts) -> Iterator[Finding]:
    """Each that takes part is a session that is not over, and whoever has left is."""
    names: dict[tuple[str, str], str] = {}
    for session_id, row in _participants(facts).items():
        for message in _disagreements(facts, row, names):
            found = {"session_id": session_id, "conversation_id": row["conversation_id"]}
            yield Finding("participants_agree", message, found)
    for session_id, newest in facts.logs.newest.items():
        if newest.snapshot["agent_type"] == "persona" and session_id not in _participants(facts):
            message = "a persona takes part in no conversation"
            yield Finding("participants_agree", message, {"session_id": session_id})


def _disagreements(facts: Facts, row: Row, names: dict[tuple[str, str], str]) -> Iterator[str]:
    session = facts.logs.newest.get(row["session_id"])
    if session is None:
        yield "it takes part, and has no log"
        return
    if session.status.over != (row["left_at"] is not None):
        state = "has not left" if row["left_at"] is None else "has left"
        yield f"it is {session.status}, and {state}"
    if row["joined_at"] != session.snapshot["created_at"]:
        yield "it joined at another time than it was created"
    if row["left_at"] is None:
        name = (row["conversation_id"], " ".join(row["name"].split()).casefold())
        if (other := names.setdefault(name, row["session_id"])) != row["session_id"]:
            yield f"it has the name {row['name']!r}, as session {other} has"


def _participants(facts: Facts) -> dict[str, Row]:
    """The newest row of each participant."""
    rows = facts.snapshot.rows(participants.TABLE)
    return {found.row["participant_id"]: found.row for found in rows}
