"""A tick that failed: by a fault of the session's own, or since something shared is away."""

import contextlib
from collections.abc import Mapping
from typing import Any

import structlog

from agent_core.agent.base import AgentBase
from agent_core.agent.outcomes import Failed
from agent_core.session.failures import away_in, describe
from agent_core.session.log import Event
from agent_core.session.status import Status
from agent_core.session.trouble import fault
from agent_core.session.waiting import Waiting

_logger = structlog.get_logger(__name__)


class FailMixin(AgentBase):
    """Tries again after a growing wait; only faults of its own, in a row, end the session."""

    async def settle_failed(self, failed: Failed) -> None:
        self.load_state()
        self.note_failed()
        away = away_in(failed.error)
        if away is None:
            await self._settle_own_fault(failed)
        else:
            await self._settle_away(failed, away)

    def note_failed(self) -> None:
        """The state is that of before the tick; a type may note in it which part failed."""

    def told_failed(self) -> Mapping[str, Any]:
        """The payload of the row of a tick that failed, beside its error: a replay may need it."""
        return {}

    async def _settle_own_fault(self, failed: Failed) -> None:
        session, error = self.session, failed.error
        session.end_wait()
        session.ledger.ticked(session)
        session.failures += 1
        session.error = describe(error)
        session.trouble = fault(error, session.error, session.trouble)
        text = f"tick failed ({session.failures} in a row)"
        payload = {"error_type": type(error).__name__, **self.told_failed()}
        event = _row(failed, text, payload, session.error)
        _logger.warning("tick failed", error_type=type(error).__name__, **session.names)
        if session.failures >= session.schedule.max_failures:
            session.status = Status.FAILED
            await session.log.record(event, session.agent.final(error=session.error))
            return
        await session.log.record(event)
        asked_s = getattr(error, "retry_after_s", None)
        session.agent.tick_in(session.schedule.after_failure(session.failures, asked_s))

    async def _settle_away(self, failed: Failed, away: BaseException) -> None:
        """Wait for it, however long; no budget counts a tick that could not be."""
        session, schedule = self.session, self.session.schedule
        kind = str(getattr(away, "waits_for", ""))
        # First itself: how many wait says how long the pauses may be.
        session.outages.join(session, getattr(away, "routes", ()))
        tries = 1 if session.waits is None else session.waits.tries + 1
        asked_s = getattr(away, "retry_after_s", None)
        wait_s = schedule.while_away(tries, asked_s, session.outages.stretch)
        session.waits = Waiting.after(session.waits, kind, describe(away), wait_s)
        session.error = describe(failed.error)
        session.trouble = fault(away, describe(away), session.trouble)
        text = f"waits for the {kind} (try {session.waits.tries})"
        payload = {
            "error_type": type(failed.error).__name__, "waits_for": kind, **self.told_failed()
        }  # fmt: skip
        _logger.warning(
            "tick waits", waits_for=kind, tries=tries, wait_s=round(wait_s, 3), **session.names
        )
        await session.log.record(_row(failed, text, payload, session.error))
        session.agent.tick_in(wait_s)

    async def fail(self, error: str) -> None:
        """End the session as failed, whatever state it is in."""
        session = self.session
        with contextlib.suppress(ValueError):  # a state that does not load is why it failed
            self.load_state()
        session.end_wait()
        session.status = Status.FAILED
        session.error = error
        session.trouble = None  # its error says all
        event = Event("error", "the session failed", error=error)
        await session.log.record(event, session.agent.final())


def _row(failed: Failed, text: str, payload: dict[str, str], error: str) -> Event:
    return Event(
        "error",
        text,
        payload=payload,
        error=error,
        started_at=failed.started_at,
        latency_ms=failed.latency_ms,
    )
