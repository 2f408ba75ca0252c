"""A call while it runs: it may be given up from outside, and then it is on record how."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Self

from agent_core.session.tick_scope import Abort, TickScope
from reins.tools.calling import going_on
from reins.tools.policy import Policy
from reins.tools.tool import Tool
from reins.tools.toolbox import Acted

LOOK_FIRST = "nobody knows whether it was done. Look first; do it again only if it was not done"
_KILLED = "it was killed, and may have done a part of it. Look first"
_LEAVES_S = 1.0
"""A call that has not ended this long after its cancellation is left behind."""
_BETWEEN_TRIES_S = 20.0
_SLACK_S = 5.0
_WHY: dict[Abort, str] = {
    "guidance": "it was given up for guidance",
    "stop": "it was given up for a stop",
    "pause": "it was given up for a pause",
}


def limit_s(policy: Policy) -> float:
    """The most that a call under this policy takes, with its tries. **Units**: seconds."""
    tries = policy.attempts if policy.idempotent else 1
    return policy.timeout_s * tries + _BETWEEN_TRIES_S * (tries - 1) + _SLACK_S


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls of a tool end that nobody waits for any more.

    `cancellable`: for guidance such a call is given up. `stoppable`: it ends then. `killable`: with
    all that it has started. `idempotent`: it may be made again, whatever was done. `most_s` is the
    most that it may take.
    """

    cancellable: bool = True
    stoppable: bool = True
    killable: bool = False
    idempotent: bool = False
    most_s: float = 60.0

    @classmethod
    def of(cls, tool: Tool) -> Self:
        policy = tool.policy
        return cls(
            cancellable=tool.cancellable,
            stoppable=tool.stoppable,
            killable=policy.killable,
            idempotent=policy.idempotent,
            most_s=limit_s(policy),
        )

    def ended(self, kind: str, why: str) -> Acted:
        """The outcome of a call that was begun and has no result: never more than is known."""
        if self.idempotent:
            return Acted.not_made(kind, why)
        if self.killable:
            return Acted.not_made(kind, f"{why}; {_KILLED}")
        return Acted.not_made("unknown", f"{why}; {LOOK_FIRST}")


async def in_scope(
    work: Coroutine[Any, Any, Acted],
    scope: TickScope,
    manner: Manner,
    begun: Callable[[], bool] = lambda: True,
) -> Acted:
    """Await the call. An abort of the tick is an outcome of it, never a reason to forget it.

    For guidance only a cancellable call is given up; any other goes on, and its outcome says so.
    `begun`: it may have acted by now. Raises: asyncio.CancelledError where the task itself is to
    end.
    """
    task = asyncio.ensure_future(work)
    went_on, since = False, time.perf_counter()
    with scope.own_limit():
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + manner.most_s
        while True:
            try:
                await asyncio.wait({task}, timeout=max(0.0, ends_at - loop.time()))
            except asyncio.CancelledError:
                why = scope.aborted
                if why is None:
                    task.cancel()
                    await asyncio.wait({task}, timeout=_LEAVES_S / 2)  # it ends what it started
                    raise
                if why == "guidance" and not manner.cancellable:
                    went_on = True
                    continue
                words = _WHY.get(why, f"it was given up: {why}")
                end = _End("cancelled", words, since, begun)
                return await _given_up(task, scope, manner, end)
            if task.done():
                return _ended(task, manner, went_on=went_on)
            end = _End("timeout", f"it took longer than {manner.most_s:g} s", since, begun)
            return await _given_up(task, scope, manner, end)


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a call that nobody waits for any more. `since`: by the clock of `perf_counter`."""

    kind: str
    why: str
    since: float
    begun: Callable[[], bool]

    def acted(self, manner: Manner, left: str) -> Acted:
        if self.begun():
            made = manner.ended(self.kind, self.why + left)
        else:
            made = Acted.never_made(self.kind, f"{self.why}, before it was begun")
        return replace(made, took_s=round(time.perf_counter() - self.since, 6))


def _ended(task: "asyncio.Task[Acted]", manner: Manner, *, went_on: bool = False) -> Acted:
    if task.cancelled():
        return Acted.not_made("failed", "it was cancelled from within")
    acted = task.result()
    if acted.kind == "timeout" and not manner.idempotent:
        why = (acted.error or "it took too long").removesuffix(f"; {_KILLED}")
        told = manner.ended("timeout", why)
        acted = replace(told, took_s=acted.took_s, attempts=acted.attempts)
    if not went_on:
        return acted
    return acted.with_note("it cannot be cancelled: it went on while guidance waited")


async def _given_up(
    task: "asyncio.Task[Acted]",
    scope: TickScope,
    manner: Manner,
    end: _End,
) -> Acted:
    """End it; one that had ended in the meantime counts as what it is."""
    task.cancel()
    try:
        await asyncio.wait({task}, timeout=_LEAVES_S)
    except asyncio.CancelledError:
        if scope.aborted is None:
            raise  # else it is one more reason to give it up
    if task.done() and not task.cancelled():
        return _ended(task, manner)
    goes_on = not (task.done() and manner.stoppable)
    return end.acted(manner, going_on(stoppable=manner.stoppable) if goes_on else "")
