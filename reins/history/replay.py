"""A session done again from its log: each row leads to what it tells of, without a clock."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from agent_core.agent.building import build_session
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.budgets.spender import Spender
from agent_core.budgets.usage import Sums
from agent_core.session.controls import Control, Interrupt, Stop
from agent_core.session.log import Event
from agent_core.session.schedule import Schedule
from agent_core.session.session import Session
from agent_core.session.status import Status
from agent_core.session.waiting import Waiting
from store.journal.file import Record
from store.journal.journal import Journal

Row = Mapping[str, Any]
_NEVER = 1_000_000  # failed ticks


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

    def _over(self, session: Spender, needs: Sums | None) -> None: ...


async def replay(
    kind: type[LoopingAgentBase],
    config: str,
    rows: Sequence[Row],
    services: Services,
    given_up: Mapping[int, Sequence[Row]],
) -> list[dict[str, Any]]:
    """Do again what the rows of a session's log tell, oldest first, from the one that created it.

    `given_up` are attempts at calls that are not made again, by the row that tells what they took.
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
    session.log.seq = first["seq"] - 1
    session.begin_budget(checked.budget, None)
    for row in rows:
        if session.seq < row["seq"]:  # else it came with the row before it
            for attempt in given_up.get(row["seq"], ()):
                taken = attempt["tokens_in"], attempt["tokens_out"], attempt["cost_usd"]
                session.caller.settle(None, *taken)
            await _again(session, row)
        if session.seq < row["seq"]:
            break
    return pages.rows


async def _again(session: Session, row: Row) -> None:
    payload = orjson.loads(row["payload"] or "{}")
    applied = orjson.loads(row["applied_actions"])
    match row["kind"]:
        case "status":
            await _stand_again(session, row, payload, applied)
        case "error" if row["started_at"] is None:  # not of a tick
            await _stand_again(session, row, payload, applied)
        case "guidance":
            what = {"raw": payload["guidance"], "mode": payload["mode"]}
            await session.agent.apply(_control(Interrupt, applied, payload, **what))
        case "final":
            await session.agent.apply(_control(Stop, applied, payload, reason=payload["reason"]))
        case "tick" | "error":
            await session.agent.tick_once()
        case kind:
            raise NotReplayableError(
                f"row {row['seq']} is of kind {kind!r}; expected status, tick, guidance, error "
                "or final. It was written by a newer version."
            )


async def _stand_again(
    session: Session, row: Row, payload: dict[str, Any], applied: list[str]
) -> None:
    """Rows that came from outside: a creation, a pause, a resume, a start, a budget's limit."""
    snapshot = orjson.loads(row["state"])
    session.status = Status(snapshot["status"])
    session.failures = snapshot["failures"]
    session.error = snapshot["error"]
    session.held = snapshot.get("held")
    waits = snapshot.get("waits")
    session.waits = Waiting.restored(waits) if waits and session.held is None else None
    event = Event(row["kind"], row["text"], payload=payload, applied=applied, error=row["error"])
    await session.log.record(event, state=session.agent.save_state())


def _control(
    kind: type[Control], applied: list[str], payload: dict[str, Any], **parts: Any
) -> Control:
    done = asyncio.get_running_loop().create_future()
    return kind("".join(applied), payload.get("actor") or "", done, **parts)


def _failed_after(rows: Sequence[Row]) -> int:
    """How many failed ticks in a row ended the session; more than there can be, if none did."""
    ends = [orjson.loads(row["state"]) for row in rows if row["kind"] == "final"]
    failed = [end["failures"] for end in ends if end["status"] == Status.FAILED]
    return int(min(failed, default=_NEVER))
