"""A call under its tool's policy: budget, approval, breaker, rate, tries, time limit, then it runs."""

import asyncio
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import stamina
import structlog
from aiolimiter import AsyncLimiter

from reins.llm.limits.breaker import Breaker
from reins.tools.budget import BudgetSpentError
from reins.tools.context import Context
from reins.tools.metrics import CALLS, SECONDS
from reins.tools.outcome import Kind, Outcome, ToolError, as_text
from reins.tools.tool import ArgumentsError, Tool

_logger = structlog.get_logger(__name__)
_WAIT_MAX_S = 20.0
_TRANSIENT = (ConnectionError, TimeoutError)


@dataclass(slots=True)
class _Gate:
    """Where calls of one tool on one loop meet."""

    breaker: Breaker
    limiter: AsyncLimiter | None
    running: asyncio.Semaphore


@dataclass(slots=True)
class Calls:
    """Makes calls; knows of each tool how its newest calls went. One for each loop."""

    _gates: "weakref.WeakKeyDictionary[Tool, _Gate]" = field(
        default_factory=weakref.WeakKeyDictionary
    )

    async def call(self, tool: Tool, arguments: Mapping[str, Any], context: Context) -> Outcome:
        """Make a call; however it ends, that is the outcome. Cancelled, it is raised on."""
        began = time.perf_counter()
        tries: list[float] = []
        value, kind, error = None, None, ""
        try:
            value = await self._call(tool, arguments, context, tries)
        except _RefusedError as refused:
            kind, error = refused.kind, str(refused)
        except ArgumentsError as wrong:
            kind, error = "arguments", str(wrong)
        except TimeoutError:
            kind, error = "timeout", f"it took longer than {tool.policy.timeout_s:g} s"
        except asyncio.CancelledError:
            self._told(tool, context, "cancelled", began)
            raise
        except Exception as raised:  # noqa: BLE001 - whatever a tool raises is its outcome
            kind, error = "failed", _words(raised)
        took_s = self._told(tool, context, kind, began, error)
        return Outcome(tool.name, value, kind, error, took_s, max(1, len(tries)))

    async def _call(
        self, tool: Tool, arguments: Mapping[str, Any], context: Context, tries: list[float]
    ) -> Any:
        given = tool.check(arguments)
        try:
            context.budget.take(tool.policy.money_usd)
        except BudgetSpentError as spent:
            raise _RefusedError("budget", str(spent)) from None
        if context.approve is not None:
            why = await context.approve(tool.name, given.model_dump())
            if why is not None:
                raise _RefusedError("denied", why)
        gate = self._gate(tool)
        call = object()
        if not gate.breaker.take(call):
            left_s = gate.breaker.open_for_s() or 0.0
            raise _RefusedError("breaker", f"it failed too often; try it again in {left_s:.0f} s")
        try:
            value = await self._tried(tool, given, context, gate, tries)
        except (asyncio.CancelledError, ArgumentsError):
            gate.breaker.abandoned(call)
            raise
        except ToolError:
            gate.breaker.is_there(call)  # it answers, if only to say no
            raise
        except Exception:
            gate.breaker.failed(call, "server")
            raise
        gate.breaker.succeeded(call)
        return value

    async def _tried(
        self, tool: Tool, given: Any, context: Context, gate: _Gate, tries: list[float]
    ) -> Any:
        policy = tool.policy
        attempts = policy.attempts if policy.idempotent else 1
        async for attempt in stamina.retry_context(
            on=_again, attempts=attempts, timeout=None, wait_max=_WAIT_MAX_S
        ):
            with attempt:
                if gate.limiter is not None:
                    await gate.limiter.acquire()
                began = time.perf_counter()
                tries.append(began)
                value = None
                try:
                    async with gate.running, asyncio.timeout(policy.timeout_s):
                        value = await tool.run(given, context)
                finally:
                    size = 0 if value is None else len(as_text(value))
                    context.budget.ended(time.perf_counter() - began, size)
        return value

    def _gate(self, tool: Tool) -> _Gate:
        if tool not in self._gates:
            policy, rate = tool.policy, tool.policy.rate
            self._gates[tool] = _Gate(
                Breaker(policy.breaker_failures, policy.breaker_open_s),
                None if rate is None else AsyncLimiter(rate.calls, rate.per_s),
                asyncio.Semaphore(policy.at_once),
            )
        return self._gates[tool]

    def _told(
        self, tool: Tool, context: Context, kind: Kind | None, began: float, error: str = ""
    ) -> float:
        took_s = time.perf_counter() - began
        CALLS.labels(tool.name, kind or "ok").inc()
        SECONDS.labels(tool.name).observe(took_s)
        _logger.info(
            "tool called",
            tool=tool.name,
            outcome=kind or "ok",
            session_id=context.session_id,
            seq=context.seq,
            took_ms=round(took_s * 1_000, 1),
            **({"error": error[:300]} if error else {}),
        )
        return took_s


class _RefusedError(Exception):
    """The call is not made."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


def _again(error: Exception) -> bool | float:
    """True where the same may go well a little later; seconds where the other side says when."""
    if isinstance(error, ToolError):
        if error.retry and error.after_s is not None:
            return min(error.after_s, _WAIT_MAX_S)
        return error.retry
    return isinstance(error, _TRANSIENT)


def _words(error: Exception) -> str:
    if isinstance(error, ToolError):
        return str(error)
    return f"{type(error).__name__}: {error}"[:1_000]
