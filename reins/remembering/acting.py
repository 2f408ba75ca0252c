"""The handlers of people's changes of memories, and of evidence."""

import asyncio
from typing import Any, Protocol

from agent_core.actions.handling import Action, handles
from agent_core.actions.payloads import (
    EvidenceUndo,
    MemoryForget,
    MemoryPut,
    MemoryRestore,
    ToMemory,
)
from agent_core.agent.services import Services
from agent_core.session.controls import Applied, Interrupt, Outcome, Rejected, unanswered
from agent_core.session.session import Session
from reins.remembering.changing import changed
from reins.remembering.shared import SharedMemories
from reins.threads import READS
from store.id_forms import is_same
from store.memories import list_memories
from store.store import Store

_GUIDANCE = ("key", "value", "version", "expires_in_s", "expect")


class Sessions(Protocol):
    """All sessions, as far as memories need them."""

    store: Store
    services: Services

    async def find_usable(self, session_id: str) -> Session | None: ...


class Worker(Protocol):
    """The worker, as handlers of memories know it."""

    @property
    def fleet(self) -> Sessions: ...


@handles(MemoryPut)
async def memory_put(worker: Worker, action: Action) -> "Outcome | asyncio.Future[Outcome]":
    """Of a session it is guidance; any other is a commit of its own, and names its version."""
    return await _change(worker, action, action.payload(MemoryPut))


@handles(MemoryForget)
async def memory_forget(worker: Worker, action: Action) -> "Outcome | asyncio.Future[Outcome]":
    """As `memory_put`."""
    return await _change(worker, action, action.payload(MemoryForget))


@handles(MemoryRestore)
async def memory_restore(worker: Worker, action: Action) -> "Outcome | asyncio.Future[Outcome]":
    """As `memory_put`."""
    return await _change(worker, action, action.payload(MemoryRestore))


@handles(EvidenceUndo)
async def evidence_undo(worker: Worker, action: Action) -> "Outcome | asyncio.Future[Outcome]":
    """It is guidance of the session."""
    asked: EvidenceUndo = action.payload(EvidenceUndo)
    said = {"type": "undo_evidence", "ids": asked.ids, "text": asked.text}
    return await _guide(worker, action, asked.agent_id, asked.address, said)


async def _change(
    worker: Worker, action: Action, asked: ToMemory
) -> "Outcome | asyncio.Future[Outcome]":
    if asked.scope != "session":
        return await _change_beyond(worker, action, asked)
    given = asked.model_dump(include={*_GUIDANCE}, exclude_none=True)
    said = {"type": asked.action_type, **given}
    return await _guide(worker, action, asked.agent_id or "", asked.address, said)


async def _guide(
    worker: Worker, action: Action, agent_id: str, session_id: str, said: dict[str, Any]
) -> "Outcome | asyncio.Future[Outcome]":
    session = await worker.fleet.find_usable(session_id)
    if session is None or not is_same(session.agent_id, agent_id):
        return Rejected(
            f"there is no session {session_id} of agent {agent_id} that can be used; check the ids"
        )
    if (seq := session.unmarked.get(action.action_id)) is not None:
        return Applied(seq)  # applied before a crash, and not marked then
    session.agent.parse_guidance(said)  # what nobody could apply is refused at once
    control = Interrupt(
        action.action_id, action.actor, unanswered(), raw=said, mode="steer", undoes=None
    )
    session.deliver(control)
    return control.done


async def _change_beyond(worker: Worker, action: Action, asked: ToMemory) -> Outcome:
    from reins.mind import MindError  # noqa: PLC0415 - takes 50 ms

    fleet, agent_id = worker.fleet, asked.agent_id or ""
    rows: list[dict[str, Any]] = await READS.call(
        list_memories, agent_id=asked.agent_id, scope=asked.scope, key=asked.key,
        store=fleet.store.reader,
    )  # fmt: skip
    done = next((row for row in rows if row["memory_id"] == action.action_id), None)
    if done is not None:
        return Applied(done["version"])  # before a crash, or an error of the store
    try:
        return Applied(
            await fleet.services.get(SharedMemories).change(
                agent_id, lambda view: changed(view, asked, action, rows)
            )
        )
    except MindError as error:
        return Rejected(str(error))
