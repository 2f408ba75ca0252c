"""Actions and their effects: each once, each with an outcome that the log confirms."""

from collections.abc import Iterator

from agent_core.actions.payloads import (
    PAYLOADS,
    AgentHasten,
    BoardDelete,
    BoardPut,
    FactEnd,
    InboxDecide,
    NoteAdd,
    PostMessage,
    Publish,
    ToFactOrSource,
    ToFacts,
    ToMemory,
    ToSession,
)
from agent_core.dispatch.queued import QueuedAction
from reins.verifying.facts import Facts, Place
from reins.verifying.finding import Finding
from store import conversations, memories, notes
from store import facts as fact_rows
from store.lance.tables import Row
from store.queue.reading import payload_of

_KNOWN = (ToMemory, ToFacts, ToFactOrSource, FactEnd)
"""Of these a row of a table says so, where none of a log does."""


def actions_applied_once(facts: Facts) -> Iterator[Finding]:
    for action_id, places in facts.logs.applied.items():
        if len(places) > 1:
            where = ", ".join(f"{place.session_id} #{place.seq}" for place in places[:5])
            message = f"the action was applied {len(places)} times: {where}"
            yield Finding("actions_applied_once", message, _about(action_id, places[-1]))


def actions_queued(facts: Facts) -> Iterator[Finding]:
    for action_id, places in facts.logs.applied.items():
        if action_id not in facts.actions:
            message = "a row names an action that is not in the queue"
            yield Finding("actions_queued", message, _about(action_id, places[0]))


def outcomes_complete(facts: Facts) -> Iterator[Finding]:
    for row in facts.queued:
        for message in _incomplete(row):
            yield Finding("outcomes_complete", message, {"action_id": row["action_id"]})


def _incomplete(row: Row) -> Iterator[str]:
    outcome = row["outcome"]
    if not row["processed"]:
        if outcome is not None or row["applied_seq"] is not None:
            yield f"the action waits, and has the outcome {outcome!r} all the same"
    elif outcome not in ("applied", "rejected"):
        yield f"the action is processed with the outcome {outcome!r}; expected applied or rejected"
    elif outcome == "rejected" and not row["error"]:
        yield "the action was rejected without a reason"
    elif outcome == "rejected" and row["applied_seq"] is not None:
        yield f"the action was rejected, and names row {row['applied_seq']} all the same"


def receipts_confirmed(facts: Facts) -> Iterator[Finding]:
    """A receipt says the same as the tables."""
    said = {row["message_id"] for row in facts.messages}
    said |= {found.row["note_id"] for found in facts.snapshot.rows(notes.TABLE)}
    said |= {found.row["memory_id"] for found in facts.snapshot.rows(memories.TABLE)}
    said |= {found.row["message_id"] for found in facts.snapshot.rows(fact_rows.TABLE)}
    made = {found.row["created_action"] for found in facts.snapshot.rows(conversations.TABLE)}
    applied = {row["action_id"] for row in facts.processed if row["outcome"] == "applied"}
    for row in facts.processed:
        if row["outcome"] == "rejected" and row["action_id"] in applied:
            continue  # its id was sent again with another content
        message = _unconfirmed(row, _places(facts, row), said, made)
        if message is not None:
            about = {"action_id": row["action_id"], "seq": row["applied_seq"]}
            yield Finding("receipts_confirmed", message, about)


def _places(facts: Facts, row: Row) -> list[Place]:
    """The rows of logs that say what the action did; what was hastened says it of that."""
    hastens = row["type"] == AgentHasten.action_type and row["outcome"] == "applied"
    action_id = payload_of(row).get("guidance_id") if hastens else row["action_id"]
    return facts.logs.applied.get(str(action_id), [])


def _unconfirmed(
    row: Row, places: list[Place], said: set[str], made: set[str | None]
) -> str | None:
    kind = PAYLOADS.get(row["type"])
    action_id, outcome = row["action_id"], row["outcome"]
    message = None
    if kind is None:
        return None
    if outcome == "rejected":
        if places or action_id in said:
            message = "the action was rejected, and has an effect all the same"
    elif outcome == "applied":
        session_id = QueuedAction(row).session_id
        named = any(place[:2] == (session_id, row["applied_seq"]) for place in places)
        if kind is NoteAdd:
            message = None if action_id in said else "the note was added; it is not there"
        elif issubclass(kind, ToSession | InboxDecide) and session_id and not named:
            message = f"applied with seq {row['applied_seq']} of session {session_id}, "
            message += "where no row names it"
        elif issubclass(kind, _KNOWN) and not (named or action_id in said):
            message = "what is known was changed; no row says so"
        elif kind in (PostMessage, Publish, BoardPut, BoardDelete) and action_id not in said:
            message = "the message was posted; it is not there"
        elif kind.opens_conversation and action_id not in made:
            message = "the conversation was created; no conversation names the action"
    return message


def unmarked_remembered(facts: Facts) -> Iterator[Finding]:
    """An action that will be delivered again is recognised by the session that applied it."""
    newest = facts.logs.newest
    for action_id, places in facts.logs.applied.items():
        action, place = facts.actions.get(action_id), places[-1]
        session = newest.get(place.session_id)
        if action is None or action["processed"] or session is None:
            continue
        if session.snapshot["unmarked"].get(action_id) != place.seq:
            message = f"the action waits, was applied with seq {place.seq}, and would be once more"
            yield Finding("unmarked_remembered", message, _about(action_id, place))
    for session_id, row in newest.items():
        for action_id, seq in row.snapshot["unmarked"].items():
            if all(
                place[:2] != (session_id, seq) for place in facts.logs.applied.get(action_id, ())
            ):
                message = (
                    f"the snapshot has it as applied with seq {seq}; that row does not name it"
                )
                yield Finding("unmarked_remembered", message, {"action_id": action_id, **row.about})


def _about(action_id: str, place: Place) -> dict[str, object]:
    return {
        "action_id": action_id,
        "session_id": place.session_id,
        "seq": place.seq,
        "journal_n": place.number,
    }
