"""Guidance by which a person adds evidence to a session's beliefs, or takes some of it back."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.guidance import (
    CHASSIS_GUIDANCE,
    ChassisGuidance,
    GuidanceRejectedError,
    Taken,
)
from agent_core.session.controls import Interrupt
from agent_core.session.session import Session
from agents_impl.minding import held_by, keep
from store.evidence import list_evidence
from store.reading import Reader

_Id = Annotated[str, Field(min_length=1, max_length=400)]


class PersonBelieves(BaseModel):
    """A person's word for a claim, or against it; `strength` in nats: 1 is right three times of
    four.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    type: Literal["believe", "doubt"]
    claim: Annotated[str, Field(min_length=1, max_length=400)]
    text: Annotated[str, Field(max_length=1_000)] = ""
    strength: Annotated[float, Field(gt=0, le=6)] = 1.0


class UndoEvidence(BaseModel):
    """Evidence is taken back, as if it had never been said; `ids` are those of its rows."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["undo_evidence"]
    ids: Annotated[list[_Id], Field(min_length=1, max_length=100)]
    text: Annotated[str, Field(max_length=1_000)] = ""


async def _take_word(session: Session, said: PersonBelieves, control: Interrupt) -> Taken:
    from reins.mind import Lineage, MindError, act_of  # noqa: PLC0415 - takes 50 ms

    state, at = _minded(session), session.clock()
    held = held_by(session, state)
    lineage = Lineage(actor=control.actor, message_id=control.action_id)
    args = {"claim": said.claim, "text": said.text, "strength": said.strength}
    try:
        act = act_of(said.type, {**args, "source": control.actor}, lineage)
        line, evidence_id = held.believe(act, at)
    except MindError as error:
        raise GuidanceRejectedError(str(error)) from None
    rows = keep(session, state, held, at, ids=[evidence_id])
    return Taken(line, undo=_undo(evidence_id), recording=rows.recording())


async def _take_back(session: Session, said: UndoEvidence, control: Interrupt) -> Taken:
    from reins.mind import Lineage, MindError, evidence_from, of_life  # noqa: PLC0415

    state, at = _minded(session), session.clock()
    held = held_by(session, state)
    reader = session.agent.services.get(Reader)
    rows = await asyncio.to_thread(list_evidence, session.session_id, store=reader)
    known = evidence_from(of_life(rows, session.created_at))
    lineage = Lineage(actor=control.actor, message_id=control.action_id)
    try:
        line, undo_id = held.undo(said.ids, known, said.text, lineage, at)
    except MindError as error:
        raise GuidanceRejectedError(str(error)) from None
    kept = keep(session, state, held, at, undoes=said.ids)
    return Taken(f"taken back: {line}", undo=_undo(undo_id), recording=kept.recording())


def _undo(evidence_id: str) -> dict[str, Any]:
    return {"type": "undo_evidence", "ids": [evidence_id]}


def _minded(session: Session) -> Any:
    state = session.agent.state
    if not hasattr(state, "mind"):
        raise GuidanceRejectedError(
            f"agents of type {session.agent_type} hold no beliefs; expected one of type task or "
            "plan"
        )
    return state


def _register(kinds: Sequence[str], kind: ChassisGuidance) -> None:
    for name in kinds:
        CHASSIS_GUIDANCE[name] = kind


_register(
    ("believe", "doubt"),
    ChassisGuidance(
        PersonBelieves,
        "a claim, and perhaps a text and a strength above 0 up to 6",
        _take_word,
    ),
)
_register(
    ("undo_evidence",),
    ChassisGuidance(UndoEvidence, "ids, those of rows of evidence of the session", _take_back),
)
