"""Guidance by which a person puts a memory of a session, lets one be forgotten, or restores one."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from agent_core.actions.memories import MAX_MEMORY_KEY, checked_memory
from agent_core.agent.guidance import (
    CHASSIS_GUIDANCE,
    ChassisGuidance,
    GuidanceRejectedError,
    Taken,
)
from agent_core.session.controls import Interrupt
from agent_core.session.session import Session
from agents_impl.minding import held_by, keep
from store.memories import list_memories
from store.reading import Reader

if TYPE_CHECKING:
    from reins.mind import Held, MemoryRow

_Seconds = Annotated[float, Field(gt=0, le=1e10)]


class _OfMemory(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=MAX_MEMORY_KEY)]
    expect: Annotated[int, Field(ge=0)] | None = None


class PersonRemembers(_OfMemory):
    """A memory of the session gets a value."""

    type: Literal["memory_put"]
    value: Annotated[JsonValue, AfterValidator(checked_memory)]
    expires_in_s: _Seconds | None = None


class PersonForgets(_OfMemory):
    """A memory of the session is recalled no more."""

    type: Literal["memory_forget"]


class PersonRestores(_OfMemory):
    """A version of a memory of the session comes back; the newest before this, if none is named."""

    type: Literal["memory_restore"]
    version: Annotated[int, Field(ge=1)] | None = None
    expires_in_s: _Seconds | None = None


_ACTS = {"memory_put": "remember", "memory_forget": "forget", "memory_restore": "restore"}
_Said = PersonRemembers | PersonForgets | PersonRestores


async def _take(session: Session, said: _Said, control: Interrupt) -> Taken:
    from reins.mind import Lineage, MindError, act_of  # noqa: PLC0415 - takes 50 ms

    state, at = _minded(session), session.clock()
    held = held_by(session, state)
    before = held.memory.recall(said.key, at, "session")
    lineage = Lineage(actor=control.actor, message_id=control.action_id)
    args = said.model_dump(exclude={"type"}, exclude_none=True)
    try:
        act = act_of(_ACTS[said.type], {**args, "source": control.actor}, lineage)
        row = await _row_of(session, said, held)
        if row is None:
            held.take([act], at)
        else:
            held.restore(row, act, at)
    except MindError as error:
        raise GuidanceRejectedError(str(error)) from None
    version = None if before is None else before.version
    line = held.did[-1]
    kept = keep(session, state, held, at)
    return Taken(line, undo=_undo(said, version), recording=kept.recording())


async def _row_of(session: Session, said: _Said, held: "Held") -> "MemoryRow | None":
    """The row of the version to restore, where the snapshot does not keep it any more."""
    if not isinstance(said, PersonRestores) or said.version is None:
        return None
    kept = held.memory.kept("session").get(said.key, ())
    if any(each.number == said.version and each.is_here for each in kept):
        return None
    from reins.mind import memories_from  # noqa: PLC0415
    from reins.mind.rows import of_session  # noqa: PLC0415

    reader = session.agent.services.get(Reader)
    rows = await asyncio.to_thread(list_memories, session.session_id, key=said.key, store=reader)
    found = memories_from(of_session(rows, session.created_at))
    return next((row for row in found if row.version == said.version), None)


def _undo(said: _Said, version: int | None) -> dict[str, Any]:
    """The guidance after which the key is what it was before."""
    if version is None:
        return {"type": "memory_forget", "key": said.key}
    return {"type": "memory_restore", "key": said.key, "version": version}


def _minded(session: Session) -> Any:
    state = session.agent.state
    if not hasattr(state, "mind"):
        raise GuidanceRejectedError(
            f"agents of type {session.agent_type} have no memories of their own; expected one of "
            "type task or plan"
        )
    return state


for _name, _model, _expected in (
    ("memory_put", PersonRemembers, "a key and a value, and perhaps expires_in_s and expect"),
    ("memory_forget", PersonForgets, "a key, and perhaps expect"),
    ("memory_restore", PersonRestores, "a key, and perhaps version, expires_in_s and expect"),
):
    CHASSIS_GUIDANCE[_name] = ChassisGuidance(_model, _expected, _take)
