"""A session whose budget is spent is held, and goes on when there is room again."""

from collections.abc import Mapping
from typing import Any

from agent_core.agent.base import AgentBase
from agent_core.budgets.limits import BudgetSpent, same_limit
from agent_core.session.controls import Applied, Control, Release
from agent_core.session.log import Event
from agent_core.session.status import Status


class BudgetMixin(AgentBase):
    """Pauses the session at a limit. What a person does then comes first: a pause stays one."""

    async def apply(self, control: Control) -> None:
        if not isinstance(control, Release):
            await super().apply(control)
            return
        session, ledger = self.session, self.session.ledger
        held = session.held
        now = None if held is None else ledger.still_held(session)
        if held is not None and now is None:
            why = ledger.why_again(session, held)
            session.status = Status.RUNNING
            session.held = None
            event = Event("status", f"{session.status.value}: {why}", payload={"was_held": held})
            await session.log.record(event)
            session.agent.tick_now()  # type: ignore[union-attr]
        elif held is not None and now is not None and not same_limit(held, now):
            await self.hold(now)
        if not control.done.done():
            control.done.set_result(Applied(session.seq))

    async def hold(self, held: dict[str, Any]) -> None:
        """No further tick until there is room; nothing of a tick is kept."""
        session = self.session
        session.status = Status.PAUSED
        session.held = held
        await session.log.record(holding(held))
        session.ledger.turns.join(session)

    async def spent(self, error: BudgetSpent) -> None:
        """A tick ended because there is nothing left for it."""
        self.load()
        if self.session.status is Status.RUNNING:
            await self.hold(error.held)
        # Else a pause or a stop is about to be applied; after a resume it is found out again.


def holding(held: Mapping[str, Any]) -> Event:
    """The row that says what a session is held by."""
    text = f"{Status.PAUSED.value}: budget: {held['text']}"
    return Event("status", text, payload={"held": held})
