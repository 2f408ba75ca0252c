"""Deliveries over one webhook: each call until it is taken, ever less often, and never for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from reins import jitter
from reins.loops import TaskLoop
from reins.webhooks.config import Webhook
from reins.webhooks.sending import Sent, send
from store.times import now_us
from store.webhook_calls import DELIVERED, DROPPED, GIVEN_UP, WAITING

_logger = structlog.get_logger(__name__)

Call = dict[str, Any]
"""A row of `webhook_calls`, its times in microseconds since 1970."""
PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0)
"""Seconds between two attempts; after the last one a call is given up."""
MOST_WAITING = 100
GONE = "it answered 410 (gone): nothing is sent there before the environment is reloaded"


class Deliverer(TaskLoop):
    """Delivers calls over a webhook, one at a time, the earliest due first.

    Starts once; a second stop does nothing. `keep` puts a call's new state on record: before the
    first attempt, so that no restart makes another call of it, and after each.
    """

    def __init__(
        self,
        name: str,
        webhook: Webhook,
        keep: Callable[[Mapping[str, Any]], Awaitable[None]],
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        super().__init__(f"webhook {name}")
        self.webhook = webhook
        self._keep = keep
        self._pauses_s = pauses_s
        self._due: dict[str, tuple[float, Call]] = {}
        self.gone = False
        self.counts = {DELIVERED: 0, GIVEN_UP: 0, DROPPED: 0}
        self.failures = 0
        """Attempts that failed since the last that was taken."""
        self.error: str | None = None
        """The error of the newest attempt; None if it was taken."""

    @property
    def waiting(self) -> int:
        return len(self._due)

    async def add(self, call: Call) -> None:
        """Take over a call; one too many is dropped, which is on record as well."""
        if len(self._due) >= MOST_WAITING or self.gone:
            why = GONE if self.gone else f"{MOST_WAITING} calls wait already"
            await self._settle(call | {"state": DROPPED, "error": why})
            return
        await self._keep(call)
        self.resume(call)

    def resume(self, call: Call) -> None:
        """Go on with a call that is on record; at once, whatever it has waited for before."""
        self._due[call["call_id"]] = (time.monotonic(), call)
        self.wake()

    async def run_once(self) -> float | None:
        if not self._due:
            return None
        due_at, call = min(self._due.values(), key=lambda pair: pair[0])
        if (wait_s := due_at - time.monotonic()) > 0:
            return wait_s
        sent = await send(self.webhook, call["call_id"], call["body"].encode())
        call = call | {
            "attempts": call["attempts"] + 1,
            "attempted_at": now_us(),
            "status": sent.status,
            "error": sent.error,
        }
        await self._take(call, sent)
        return 0

    async def _take(self, call: Call, sent: Sent) -> None:
        self.error = sent.error
        if sent.error is None:
            self.failures = 0
            await self._settle(call | {"state": DELIVERED})
            return
        self.failures += 1
        self.gone = sent.gone
        _logger.warning(
            "webhook not reached",
            webhook=self.name.partition(" ")[2],
            call_id=call["call_id"],
            attempt=call["attempts"],
            error=sent.error,
        )
        if sent.gone or call["attempts"] > len(self._pauses_s):
            await self._settle(call | {"state": GIVEN_UP})
            return
        pause_s = self._pauses_s[call["attempts"] - 1] * jitter.between(0.8, 1.2)
        at = time.monotonic() + max(pause_s, sent.retry_after_s or 0.0)
        self._due[call["call_id"]] = (at, call | {"state": WAITING})
        await self._keep(self._due[call["call_id"]][1])

    async def _settle(self, call: Call) -> None:
        """The call's last state; one that cannot be written is tried again, as it was."""
        await asyncio.shield(self._keep(call))
        self._due.pop(call["call_id"], None)
        self.counts[call["state"]] += 1
