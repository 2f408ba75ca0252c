"""A session done again from its log: each row leads to what it tells of, without a clock."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

import orjson

from agent_core.agent.building import build_session
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.services import Services
from agent_core.agent.working import WorkingAgentBase
from agent_core.budgets.ledger import Ledger
from agent_core.budgets.spender import Held, Spender
from agent_core.budgets.usage import Sums
from agent_core.session.amid_tick import is_amid_tick
from agent_core.session.controls import Control, Decide, Hear, Interrupt, Release, Stop
from agent_core.session.log import Event
from agent_core.session.schedule import Schedule
from agent_core.session.session import Session
from agent_core.session.status import Status
from agent_core.session.waiting import restored_wait
from reins.history.recorded_acts import RecordedItem, RecordedToolbox, payload_of, pending_in
from reins.history.recorded_topics import NotOnRecordError, RecordedTopics
from reins.history.recorded_work import RecordedWork
from store.journal.file import Record
from store.journal.journal import Journal
from store.times import to_us

Row = Mapping[str, Any]
_NEVER = 1_000_000  # failed ticks
_STILL_HELD = "; still held: "


class NotReplayableError(ValueError):
    """A recorded session cannot be replayed; the message says why."""


@dataclass(slots=True)
class Pages:
    """Stands for the journal: keeps the rows of the log that are written, in memory."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    running: bool = True

    async def append(self, *records: Record) -> None:
        self.rows += [orjson.loads(r.body) for r in records if r.table == "agent_steps"]


class Open(Ledger):
    """Knows every limit and holds nobody at it: the log has when a session was held."""

    told: str | None = None
    """The limit at which a row says that the session is still held."""

    def _over(self, session: Spender, needs: Sums | None) -> None: ...

    def still_held(self, session: Spender) -> Held | None:
        return None if self.told is None else {**(session.held or {}), "text": self.told}


async def replay(
    kind: type[LoopingAgentBase],
    config: str,
    rows: Sequence[Row],
    services: Services,
    toolbox: RecordedToolbox,
    *,
    topics: RecordedTopics,
    charged: Mapping[int, Sequence[Row]],
) -> list[dict[str, Any]]:
    """Do again what the rows of a session's log tell, oldest first, from the one that created it.

    `charged` are attempts at calls that are not made again, or not before that row's end, by the
    row that tells what they took.
    Gives the rows that came of it, with the columns of `agent_steps`. It ends at the first row that
    was not written again: what follows it would be another life. Guidance that a tick took in at a
    safe point is given before that tick.
    """
    pages = Pages()
    first = rows[0]
    checked = kind.Config.model_validate_json(config)
    try:
        session = build_session(
            kind,
            checked,
            agent_id=first["agent_id"],
            session_id=first["session_id"],
            services=services,
            journal=cast("Journal", pages),
            schedule=Schedule(max_failures=_failed_after(rows)),
            ledger=Open(),
        )
    except LookupError as error:
        raise NotReplayableError(
            f"agents of type {kind.agent_type} need what no log has: {error}"
        ) from None
    agent = session.agent
    if isinstance(agent, WorkingAgentBase):
        agent.work = RecordedWork(session)
    session.log.seq = first["seq"] - 1
    session.created_at = orjson.loads(first["state"])["created_at"]  # calls' keys are made of it
    session.begin_budget(checked.budget, None)
    topics.begin(session, first)
    try:
        for at, row in enumerate(rows):
            if session.seq < row["seq"]:  # else it came with the row before it
                _charge(session, charged.get(row["seq"], ()))
                toolbox.at(row)
                topics.at(session, row)
                if row["kind"] == "intent":
                    await act_again(session, toolbox, rows[at:])
                else:
                    await again(session, row)
            if session.seq < row["seq"]:
                break
    except NotOnRecordError as error:
        raise NotReplayableError(str(error)) from None
    finally:
        if isinstance(agent, WorkingAgentBase):
            await agent.work.close(0)
    return pages.rows


def _charge(session: Session, attempts: Sequence[Row]) -> None:
    """Take what attempts took that are not made again here."""
    for attempt in attempts:
        taken = attempt["tokens_in"], attempt["tokens_out"], attempt["cost_usd"]
        session.caller.settle(None, *taken)
        if attempt["error_kind"] is None:
            session.caller.note_answer(demonstration=bool(attempt["demonstration"]))


def ended_in(kind: type[LoopingAgentBase], row: Row) -> set[str]:
    """The names of the pieces of work whose ends a row has taken in."""
    if row["kind"] != "tick" or not issubclass(kind, WorkingAgentBase):
        return set()
    return {each.name for each in kind.told(payload_of(row)) if each.outcome is None}


async def again(session: Session, row: Row) -> None:
    """Do again what one row tells of."""
    payload = orjson.loads(row["payload"] or "{}")
    session.clock = _clock(row, payload)
    applied = orjson.loads(row["applied_actions"])
    match row["kind"]:
        case "status":
            await _stand_again(session, row, payload, applied)
        case "error" if row["started_at"] is None:  # not of a tick
            await _stand_again(session, row, payload, applied)
        case "guidance" if payload.get("type") == "decision":
            item = RecordedItem(payload)
            what = {"decision": item.decision(), "asked": item}
            await session.agent.apply(_control(Decide, applied, payload, **what))
        case "guidance":
            cast("Open", session.ledger).told = row["text"].partition(_STILL_HELD)[2] or None
            if payload["mode"] == "now":
                session.agent.let_go()
            await session.agent.apply(_interrupt(row))
            cast("Open", session.ledger).told = None
        case "final" if orjson.loads(row["state"])["status"] == Status.FAILED:  # not of a tick
            await session.log.record(session.agent.final(error=row["error"]))
        case "final":
            await session.agent.apply(_control(Stop, applied, payload, reason=payload["reason"]))
        case "error" if _waited(session, payload):
            await _stand_again(session, row, payload, applied)
        case "tick" | "error":
            await _end_again(session.agent, row)
            await session.agent.tick_once()
        case kind:
            raise NotReplayableError(
                f"row {row['seq']} is of kind {kind!r}; expected status, intent, tick, guidance, "
                "error or final. It was written by a newer version."
            )


def _clock(row: Row, payload: Mapping[str, Any]) -> Callable[[], int]:
    """The time of the row, or of what it says was remembered or believed then.

    Raises: NotReplayableError for evidence that was taken back: the rows that are folded again then
    are not in a recording.
    """
    mind = payload.get("mind") or {}
    if "undoes" in mind:
        raise NotReplayableError(
            f"#{row['seq']} takes evidence back: the rows of evidence that were folded again then "
            "are not in the recording, so the session cannot be done again"
        )
    created_at: str | datetime = row["created_at"]
    if isinstance(created_at, str):
        created_at = datetime.fromisoformat(created_at)
    at: int = mind["at"] if "at" in mind else to_us(created_at)
    return lambda: at


async def _stand_again(
    session: Session, row: Row, payload: dict[str, Any], applied: list[str]
) -> None:
    """Rows that came from outside: a creation, a pause, a resume, a start, a budget's limit."""
    snapshot = orjson.loads(row["state"])
    session.status = Status(snapshot["status"])
    session.failures = snapshot["failures"]
    session.error = snapshot["error"]
    session.held = snapshot.get("held")
    session.reading = snapshot.get("reading")
    session.waits = restored_wait(snapshot)
    event = Event(row["kind"], row["text"], payload=payload, applied=applied, error=row["error"])
    await session.log.record(event, state=session.agent.save_state())
    if isinstance(session.agent, WorkingAgentBase):
        if "start" in payload:  # what ran was begun again
            session.agent.let_go()
        session.agent.begin_wanted()


def _waited(session: Session, payload: dict[str, Any]) -> bool:
    """True of a try that came to nothing: it took the end of no piece of work in, or what it would
    have published had no room.
    """
    if payload.get("waits_for") == "topic":
        return True
    return isinstance(session.agent, WorkingAgentBase) and "waits_for" in payload


async def _end_again(agent: object, row: Row) -> None:
    """End the pieces of work that a tick's row tells of. Raises: NotReplayableError."""
    if not isinstance(agent, WorkingAgentBase) or not isinstance(agent.work, RecordedWork):
        return
    if row["kind"] == "error":
        raise NotReplayableError(
            f"#{row['seq']} is a tick that failed: the pieces of work whose ends it took in are "
            "not on record"
        )
    await agent.work.end_again(agent.told(payload_of(row)))


async def act_again(session: Session, toolbox: RecordedToolbox, rows: Sequence[Row]) -> None:
    """Do again what an intent tells of: the call, or what kept it from being made.

    `rows` are the intent and those after it. Guidance that was taken in between is given at the
    safe point; what was announced while the call ran is written while it would run.
    """
    guided, announced, end = _until_result(rows)
    agent, pending = session.agent, None if end is None else pending_in(end)
    if end is not None and _has_outcome(end) and _key_of(end) == _key_of(rows[0]):
        toolbox.result = end
        for row in guided:
            session.mailbox.put(_interrupt(row))
        toolbox.between = partial(_stand_all_again, session, announced)
        await agent.tick_once()
    elif pending is not None and not pending["begun"]:
        session.mailbox.put(_control(Release, [], {}))  # whatever it gave way to
        await agent.tick_once()
        session.mailbox.drain()
    else:
        toolbox.result = None
        await agent.give_up_tick()


def _until_result(rows: Sequence[Row]) -> tuple[list[Row], list[Row], Row | None]:
    """Guidance and announcements right after an intent, and the first row of another kind."""
    guided: list[Row] = []
    announced: list[Row] = []
    for row in rows[1:]:
        if row["kind"] == "guidance" and not announced and pending_in(row) is not None:
            guided.append(row)
        elif is_amid_tick(row["kind"], row["text"]):
            announced.append(row)
        else:
            return guided, announced, row
    return guided, announced, None


def _has_outcome(row: Row) -> bool:
    """True of a tick that tells what came of a call; one that asks about it has none."""
    return row["kind"] == "tick" and "asks" not in payload_of(row)


def _key_of(row: Row) -> object:
    return (payload_of(row).get("call") or {}).get("key")


async def _stand_all_again(session: Session, rows: Sequence[Row]) -> None:
    for row in rows:
        await again(session, row)


def _interrupt(row: Row) -> Interrupt:
    payload = payload_of(row)
    what: dict[str, Any] = {"raw": payload["guidance"], "mode": payload["mode"]}
    if "undoes" in payload:
        what["undoes"] = payload["undoes"], orjson.loads(row["state"])["guided"] - 1
    if "message" in payload:
        message = payload["message"]
        what["source"] = message["topic"], message["number"]
        return _control(Hear, orjson.loads(row["applied_actions"]), payload, **what)
    return _control(Interrupt, orjson.loads(row["applied_actions"]), payload, **what)


C = TypeVar("C", bound=Control)


def _control(kind: type[C], applied: list[str], payload: dict[str, Any], **parts: Any) -> C:
    done = asyncio.get_running_loop().create_future()
    return kind("".join(applied), payload.get("actor") or "", done, **parts)


def _failed_after(rows: Sequence[Row]) -> int:
    """How many failed ticks in a row ended the session; more than there can be, if none did."""
    ends = [orjson.loads(row["state"]) for row in rows if row["kind"] == "final"]
    failed = [end["failures"] for end in ends if end["status"] == Status.FAILED]
    return int(min(failed, default=_NEVER))
