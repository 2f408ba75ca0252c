"""Tools and people that answer as they did before: from the rows of a session's log."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Any

import orjson

from agent_core.agent.effects import Prepared
from agent_core.inbox.fixed import Fixed
from agent_core.inbox.inbox import Inbox, Settled
from agent_core.inbox.item import Call, Item
from agent_core.inbox.risk import OUTSIDE, RISKS
from agent_core.inbox.rules import Rule, Rules
from agent_core.session.decisions import Decision, Recorded, Reviewed, Risk
from reins.remembering.recollection import Recalled, Recollection
from reins.tools.budget import Spent
from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from reins.tools.toolbox import Acted, Looked, Toolbox, Tools

Row = Mapping[str, Any]
_FIELDS = frozenset(each.name for each in fields(Acted))


class CrashedError(Exception):
    """The worker ended here, in the middle of a call."""


def payload_of(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(row["payload"] or "{}")
    return found


def pending_in(row: Row) -> dict[str, Any] | None:
    """The call without a result that the row's snapshot keeps."""
    found: dict[str, Any] | None = orjson.loads(row["state"])["agent"].get("pending")
    return found


async def _nothing() -> None:
    """Nothing was written in between."""


class RecordedToolbox(Toolbox):
    """Makes no call: gives what the row at hand says of it.

    `row` is the one that is to be written again, `result` that with the call's outcome, None where
    the worker ended before there was one. `between` writes what came while the call ran.
    """

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self.row: Row = {}
        self.result: Row | None = None
        self.between: Callable[[], Awaitable[None]] = _nothing

    def at(self, row: Row) -> None:
        """The next row to be written again; its own outcome is the one to give."""
        self.row = self.result = row
        self.between = _nothing

    def settled(self, item_id: str, state: str) -> dict[str, Any]:
        """The words of the result's row on the item; nothing where it was settled before."""
        said = payload_of(self.result or self.row).get("settled")
        return {} if said is None else {"settled": {"item_id": item_id, "state": state}}

    async def look(self, tool: Tool, arguments: Mapping[str, Any], context: Context) -> Looked:
        del tool, arguments, context
        outcome = payload_of(self.row).get("outcome") or {}
        if outcome.get("kind") == "failed" and outcome["text"] == f"failed: {outcome['error']}":
            raise ToolError(outcome["error"])
        pending = pending_in(self.row)
        call = payload_of(self.row).get("call") if pending is None else pending["call"]
        risk, reasons = _before_outside(call or {})
        touches = "" if pending is None else pending["touches"]
        leads_to = () if pending is None else tuple(pending.get("leads_to", ()))
        touches = "changed" if outcome.get("kind") == "stale" else touches
        return Looked(risk, reasons, touches, leads_to)

    async def finds_it_so(
        self, tool: Tool, arguments: Mapping[str, Any], context: Context, touches: str
    ) -> bool:
        del tool, arguments, context, touches
        outcome = payload_of(self.row).get("outcome") or {}
        return outcome.get("kind") != "unknown"

    async def preview(
        self, tool: Tool, arguments: Mapping[str, Any], context: Context
    ) -> dict[str, Any]:
        del tool, arguments, context
        return {}

    async def act(self, tool: Tool, arguments: Mapping[str, Any], context: Context) -> Acted:
        del tool, arguments
        await self.between()
        if self.result is None:
            raise CrashedError
        agent = orjson.loads(self.result["state"])["agent"]
        context.memory.clear()
        context.memory.update(agent["memory"])
        context.budget.spent = Spent(**agent["spent"])
        if context.mind is not None:
            context.mind.done_before(agent.get("mind", {}), payload_of(self.result).get("mind"))
        if context.facts is not None:
            context.facts.done_before(payload_of(self.result).get("facts"))
        outcome = payload_of(self.result)["outcome"]
        return Acted(**{name: value for name, value in outcome.items() if name in _FIELDS})


def _before_outside(call: Mapping[str, Any]) -> tuple[Risk, list[str]]:
    """The risk as the tool itself has it, without what material from outside has added."""
    risk: Risk = call.get("risk", "low")
    reasons = list(call.get("reasons", ()))
    if OUTSIDE not in reasons:
        return risk, reasons
    reasons.remove(OUTSIDE)
    return RISKS[max(0, RISKS.index(risk) - 1)], reasons


class RecordedRecollection(Recollection):
    """Recalls what the row at hand tells that was recalled."""

    def __init__(self, toolbox: RecordedToolbox) -> None:
        super().__init__()
        self._toolbox = toolbox

    def on_record(self) -> Recalled | None:
        payload = payload_of(self._toolbox.row)
        return Recalled.of(payload) if "recalled" in payload else None


class RecordedRules(Rules):
    """The rules of people, as far as the row at hand shows them."""

    def __init__(self, toolbox: RecordedToolbox) -> None:
        super().__init__()
        self._toolbox = toolbox

    def decide(self, call: Call) -> Rule | None:
        payload = payload_of(self._toolbox.row)
        if "asks" in payload:
            return None
        denied = (payload.get("outcome") or {}).get("kind") == "denied"
        return Rule(
            rule_id="",
            effect="deny" if denied else "allow",
            scope="session",
            scope_id=call.session_id,
            tool=call.tool,
            spec="",
            fixed=Fixed(anything=True),
            item_id="",
            created_by="",
            created_at=0,
        )


class RecordedInbox(Inbox):
    """Asks nobody: decisions are rows."""

    def __init__(self, toolbox: RecordedToolbox) -> None:
        self.rules = RecordedRules(toolbox)
        self._toolbox = toolbox

    def asking(self, item: Item) -> "NoRows":
        return NoRows(item.item_id, {"asks": item.brief()})

    def settled(self, item_id: str, state: Settled, seq: int | None = None) -> "NoRows":
        del seq
        return NoRows(item_id, self._toolbox.settled(item_id, state))


@dataclass(frozen=True, slots=True)
class NoRows:
    """An effect that leaves nothing but its part of the tick's payload."""

    key: str
    payload: Mapping[str, Any]

    def prepare(self) -> AbstractAsyncContextManager[Prepared | None]:
        return nullcontext(Prepared((), self.payload))


@dataclass(frozen=True, slots=True)
class RecordedItem:
    """An item whose decision is on record."""

    payload: Mapping[str, Any]

    def decision(self) -> Decision:
        said = self.payload
        return Decision(
            item_id=said["item_id"],
            kind=said["kind"],
            tool=said["tool"],
            decision=said["decision"],
            actor=said["actor"],
            call_hash=said["call_hash"],
            args=said.get("args"),
            text=said.get("answer"),
            reason=said.get("reason"),
        )

    def check(self, decision: Decision) -> None:
        """Nothing: it was checked then."""

    def recording(
        self, decision: Decision, reviewed: Reviewed | None
    ) -> AbstractContextManager[Recorded]:
        del decision, reviewed
        said = {name: value for name, value in self.payload.items() if name != "actor"}
        return nullcontext(Recorded((), said))
