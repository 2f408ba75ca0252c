"""Rows of conversations as a worker writes them, for tests that need no agent to speak."""

import asyncio
from typing import Any

import orjson

from store.journal.file import Record

MOMENT = 1_700_000_000_000_000
"""Microseconds since 1970."""


def conversation(conversation_id: str, title: str | None = None) -> Record:
    return _record(
        "conversations",
        conversation_id=conversation_id,
        title=title,
        created_by="ann",
        created_action=f"create-{conversation_id}",
        created_at=MOMENT,
    )


def said(
    conversation_id: str,
    number: int,
    text: str,
    *,
    author: str = "ann",
    session_id: str | None = None,
    metadata: Any = None,
) -> Record:
    """A person's message or, with a session, an agent's."""
    return _record(
        "messages",
        message_id=f"{conversation_id}-{number}",
        conversation_id=conversation_id,
        number=number,
        author=author,
        agent_id=session_id,
        session_id=session_id,
        text=text,
        metadata=metadata if metadata is None else orjson.dumps(metadata).decode(),
        created_at=MOMENT + number,
    )


def takes_part(
    conversation_id: str, session_id: str, *, joined: int = 0, left: int | None = None
) -> Record:
    return _record(
        "participants",
        participant_id=session_id,
        conversation_id=conversation_id,
        agent_id=session_id,
        session_id=session_id,
        name=session_id.title(),
        joined_at=MOMENT + joined,
        left_at=None if left is None else MOMENT + left,
    )


def configured(session_id: str, config: dict[str, Any]) -> Record:
    return _record(
        "agents_config",
        session_id=session_id,
        agent_id=session_id,
        agent_type="persona",
        config=orjson.dumps(config).decode(),
        created_by="ann",
        created_at=MOMENT,
        description=None,
        metadata=None,
    )


def ticked(session_id: str, seq: int, *, status: str = "running", **state: Any) -> Record:
    """A row of a persona's log, with this much of its state."""
    snapshot = {
        "agent_type": "persona",
        "status": status,
        "failures": 0,
        "error": None,
        "created_at": MOMENT,
        "guided": 0,
        "usage": {},
        "unmarked": {},
        "agent": state,
    }
    return _record(
        "agent_steps",
        session_id=session_id,
        agent_id=session_id,
        seq=seq,
        step=seq,
        kind="tick",
        text=f"row {seq}",
        payload=None,
        state=orjson.dumps(snapshot).decode(),
        applied_actions="[]",
        started_at=MOMENT + seq,
        created_at=MOMENT + seq,
        latency_ms=1.5,
        tokens_in=1,
        tokens_out=2,
        cost_usd=0.0,
        error=None,
    )


def write(runtime: Any, *records: Record) -> None:
    """Commit records as this worker does."""
    journal = runtime.store.journal

    async def append() -> None:
        await journal.append(*records)

    asyncio.run_coroutine_threadsafe(append(), journal._loop).result(20)


def _record(table: str, **row: Any) -> Record:
    return Record(table, orjson.dumps(row))
