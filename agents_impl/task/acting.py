"""A call while it runs: it may be given up from outside, and then it is on record how."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from agent_core.session.tick_scope import Abort, TickScope
from reins.tools.policy import Policy
from reins.tools.toolbox import Acted

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


async def in_scope(
    work: Coroutine[Any, Any, Acted], scope: TickScope, *, cancellable: bool, most_s: float
) -> Acted:
    """Await the call. An abort of the tick is an outcome of it, never a reason to forget it.

    For guidance only a cancellable call is given up; any other goes on, and its outcome says so.
    Raises: asyncio.CancelledError where the task itself is to end.
    """
    task = asyncio.ensure_future(work)
    went_on = False
    with scope.own_limit():
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + most_s
        while True:
            try:
                await asyncio.wait({task}, timeout=max(0.0, ends_at - loop.time()))
            except asyncio.CancelledError:
                why = scope.aborted
                if why is None:
                    task.cancel()
                    await asyncio.wait({task}, timeout=_LEAVES_S / 2)  # it ends what it started
                    raise
                if why == "guidance" and not cancellable:
                    went_on = True
                    continue
                words = _WHY.get(why, f"it was given up: {why}")
                return await _given_up(task, scope, "cancelled", words)
            if task.done():
                return _ended(task, went_on=went_on)
            return await _given_up(task, scope, "timeout", f"it took longer than {most_s:g} s")


def _ended(task: "asyncio.Task[Acted]", *, went_on: bool) -> Acted:
    if task.cancelled():
        return Acted.not_made("failed", "it was cancelled from within")
    acted = task.result()
    if not went_on:
        return acted
    return acted.with_note("it cannot be cancelled: it went on while guidance waited")


async def _given_up(task: "asyncio.Task[Acted]", scope: TickScope, kind: str, why: str) -> Acted:
    """End it; one that had ended in the meantime counts as what it is."""
    task.cancel()
    try:
        await asyncio.wait({task}, timeout=_LEAVES_S)
    except asyncio.CancelledError:
        if scope.aborted is None:
            raise  # else it is one more reason to give it up
    if task.done() and not task.cancelled():
        return task.result()
    left = "" if task.done() else "; it did not end, and may go on"
    return Acted.not_made(kind, why + left)
