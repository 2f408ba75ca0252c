"""Intents: the call that a tick has decided on, on record before it is made."""

import asyncio
import time
from typing import Any

from agent_core.agent.base import AgentBase
from agent_core.agent.results import check_size
from agent_core.session.log import Event
from store.times import now_us


class IntendMixin(AgentBase):
    """Writes rows of kind `intent`. The state in one is what a tick that ends badly goes back to.

    So a state in an intent must say that its act may have begun, until a later row says otherwise.
    """

    async def intend(self, text: str, payload: dict[str, Any]) -> int:
        """Commit what is about to be done, with the state as it is now; returns the row's `seq`.

        Raises: ValueError where a row does not hold it; SnapshotTooLargeError.
        """
        check_size(text, payload)
        took_s = time.perf_counter() - self.session.scope.began
        event = Event(
            "intent",
            text,
            payload=payload,
            started_at=now_us() - int(took_s * 1e6),
            latency_ms=round(took_s * 1_000, 3),
        )
        writing = asyncio.ensure_future(self.session.log.record(event, state=self.save_state()))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing  # a row that is being written is written
            raise

    def keep_state(self) -> None:
        """Let the state as it is be the one that a tick which ends here goes back to.

        The next row of the log has it too, whatever that row is.
        """
        self.session.log.state = self.save_state()
