"""A call under its tool's policy: budget, approval, breaker, rate, tries, time limit, the run."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import stamina
import structlog
from pydantic import BaseModel

from reins import telemetry
from reins.tools.budget import BudgetSpentError
from reins.tools.context import Context
from reins.tools.figures import ToolFigures
from reins.tools.gate import Gate, RefusedError
from reins.tools.limited import TimeLimitError, limited
from reins.tools.outcome import (
    ArgumentsError,
    AsksPersonError,
    Kind,
    Outcome,
    ToolError,
    as_text,
)
from reins.tools.policy import Policy
from reins.tools.results import keep

_logger = structlog.get_logger(__name__)
_WAIT_MAX_S = 20.0
"""Seconds between two tries, at the most; who asks for more gets no second one."""
_WORDS = 4_000
_TRANSIENT = (ConnectionError, TimeoutError)


class CallableTool(Protocol):
    """A tool, as far as a call needs it."""

    @property
    def name(self) -> str: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def stoppable(self) -> bool: ...

    def check(self, arguments: Mapping[str, Any]) -> BaseModel: ...

    async def run(self, given: BaseModel, context: Context) -> Any: ...


@dataclass(slots=True)
class _Call:
    """A call under way."""

    tool: CallableTool
    context: Context
    attempts: int = 0


@dataclass(slots=True)
class Calls:
    """Makes calls; knows of each tool how its newest calls went. One for each loop."""

    figures: dict[str, ToolFigures] = field(default_factory=dict)
    """By the tool's name."""
    _gates: "WeakKeyDictionary[CallableTool, Gate]" = field(default_factory=WeakKeyDictionary)

    async def call(
        self, tool: CallableTool, arguments: Mapping[str, Any], context: Context
    ) -> Outcome:
        """Make a call; however it ends, that is the outcome. Cancelled, it is raised on."""
        call, began = _Call(tool, context), time.perf_counter()
        with telemetry.tool(tool.name, context) as span:
            try:
                value = await self._made(call, arguments)
                made = await _outcome(tool, value, context)
            except asyncio.CancelledError:
                self._ended(call, Outcome(tool.name, kind="cancelled"), began, span)
                raise
            except Exception as error:  # noqa: BLE001 - whatever a tool raises is its outcome
                made = _failure(tool, error)
            return self._ended(call, made, began, span)

    async def _made(self, call: _Call, arguments: Mapping[str, Any]) -> Any:
        tool, context, money_usd = call.tool, call.context, call.tool.policy.money_usd
        given = tool.check(arguments)
        try:
            context.budget.take(money_usd)
        except BudgetSpentError as spent:
            raise RefusedError("budget", str(spent)) from None
        try:
            await _approved(call, given)
            gate = self._gate(tool)
            gate.enter(call)
        except RefusedError:
            context.budget.give_back(money_usd)
            raise
        try:
            value = await self._tried(call, given, gate)
        except BaseException as error:
            gate.left(call, error)
            raise
        gate.left(call, None)
        return value

    async def _tried(self, call: _Call, given: BaseModel, gate: Gate) -> Any:
        policy = call.tool.policy
        if not policy.idempotent or policy.attempts == 1:
            return await self._once(call, given, gate)
        async for attempt in stamina.retry_context(
            on=_again, attempts=policy.attempts, timeout=None, wait_max=_WAIT_MAX_S
        ):
            with attempt:
                return await self._once(call, given, gate)
        raise AssertionError("unreachable: the last try raises")

    async def _once(self, call: _Call, given: BaseModel, gate: Gate) -> Any:
        tool, context = call.tool, call.context
        give_back = await gate.place(tool.policy.timeout_s)
        call.attempts += 1
        context.begun = True
        began = time.perf_counter()
        try:
            return await limited(
                lambda: tool.run(given, context),
                tool.policy.timeout_s,
                stoppable=tool.stoppable,
                ended=give_back,
            )
        finally:
            context.budget.spent.seconds += time.perf_counter() - began

    def _gate(self, tool: CallableTool) -> Gate:
        gate = self._gates.get(tool)
        if gate is None:
            gate = self._gates[tool] = Gate.of(tool.policy)
        return gate

    def _ended(
        self, call: _Call, made: Outcome, began: float, span: telemetry.ToolSpan | None
    ) -> Outcome:
        """Put on record how the call ended."""
        took_s, context, ended = time.perf_counter() - began, call.context, made.kind or "ok"
        context.budget.spent.size_bytes += made.size_bytes
        self.figures.setdefault(call.tool.name, ToolFigures()).ended(ended, took_s, call.attempts)
        if span is not None:
            span.ended(made.kind, call.attempts)
        _logger.info(
            "tool called",
            tool=call.tool.name,
            outcome=ended,
            session_id=context.session_id,
            seq=context.seq,
            took_ms=round(took_s * 1_000, 1),
            **({"error": made.error[:300]} if made.error else {}),
        )
        return replace(made, took_s=took_s, attempts=call.attempts)


_calls: "WeakKeyDictionary[asyncio.AbstractEventLoop, Calls]" = WeakKeyDictionary()
"""Of each loop, as rates, breakers and places are."""


def calls_here() -> Calls:
    """The calls of the loop that runs here. Raises: RuntimeError where none does."""
    return _calls.setdefault(asyncio.get_running_loop(), Calls())


async def _approved(call: _Call, given: BaseModel) -> None:
    approve = call.context.approve
    if approve is None:
        return
    arguments = given.model_dump(mode="json")
    risk, reasons = await call.context.in_thread(call.tool.policy.risk_of, arguments, call.context)
    why = await approve(call.tool.name, arguments, risk.name, reasons)
    if why is not None:
        raise RefusedError("denied", why)


async def _outcome(tool: CallableTool, value: Any, context: Context) -> Outcome:
    text = as_text(value)
    size_bytes = len(text) if text.isascii() else len(text.encode())
    file = await keep(tool.name, text, size_bytes, context)
    return Outcome(tool.name, value, whole=text, size_bytes=size_bytes, file=file)


def _failure(tool: CallableTool, error: Exception) -> Outcome:
    kind: Kind = "failed"
    if isinstance(error, RefusedError):
        kind = error.kind
    elif isinstance(error, ArgumentsError):
        kind = "arguments"
    elif isinstance(error, AsksPersonError):
        return Outcome(tool.name, kind="asks", error=words_of(error), asks=error.asks)
    elif isinstance(error, TimeLimitError):
        over = f"it took longer than {tool.policy.timeout_s:g} s"
        left = going_on(stoppable=tool.stoppable) if error.goes_on else ""
        return Outcome(tool.name, kind="timeout", error=over + left)
    return Outcome(tool.name, kind=kind, error=words_of(error))


def _again(error: Exception) -> bool | float:
    """True where the same may go well a little later; seconds where the other side says when."""
    if not isinstance(error, ToolError):
        return isinstance(error, _TRANSIENT)
    if error.after_s is None:
        return error.retry
    return error.after_s if error.retry and error.after_s <= _WAIT_MAX_S else False


def going_on(*, stoppable: bool) -> str:
    """A word on a call that nobody waits for any more, though it has not ended."""
    how = "it did not end, and may go on" if stoppable else "it cannot be stopped, and goes on"
    return f"; {how}"


def words_of(error: Exception) -> str:
    """The error's words, as a text that UTF-8 can hold; with its name where it is not ours."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - its own words may fail as well
        said = "(it cannot say why)"
    ours = isinstance(error, ToolError | RefusedError)
    return as_text(said if ours else f"{type(error).__name__}: {said}")[:_WORDS]
