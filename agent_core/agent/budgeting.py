"""A session whose budget is spent is held, and goes on when there is room again."""

from collections.abc import Mapping
from typing import Any

from agent_core.agent.base import AgentBase
from agent_core.agent.guidance import CHASSIS_GUIDANCE, ChassisGuidance, Taken
from agent_core.budgets.limits import SetBudget, same_limit
from agent_core.session.controls import Applied, Control, Interrupt, Release
from agent_core.session.log import Event
from agent_core.session.session import Session
from agent_core.session.status import Status
from agent_core.session.trouble import resumed
from store.times import now_us


class BudgetMixin(AgentBase):
    """Pauses the session at a limit. An act of a person comes first: a pause stays one."""

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
            session.trouble = resumed()
            event = Event("status", f"{session.status.value}: {why}", payload={"was_held": held})
            await session.log.record(event)
            session.agent.tick_now()
        elif held is not None and now is not None and not same_limit(held, now):
            await self._hold(now)
        control.settle(Applied(session.seq))

    async def settle_held(self, held: dict[str, Any]) -> None:
        """A tick found no room: nothing of it is kept, and none follows until there is room."""
        self.load_state()
        if self.session.status is Status.RUNNING:
            await self._hold(held)
        # Else a pause or a stop is about to be applied; after a resume it is found out again.

    async def _hold(self, held: dict[str, Any]) -> None:
        session = self.session
        session.status = Status.PAUSED
        session.end_wait()
        session.trouble = None
        session.held = held = held | {"since": now_us()}
        await session.log.record(_holding(held))
        session.ledger.waitlist.join(session)


def _holding(held: Mapping[str, Any]) -> Event:
    """The row that names the limit at which a session is held."""
    text = f"{Status.PAUSED.value}: budget: {held['text']}"
    return Event("status", text, payload={"held": held})


async def _set_budget(session: Session, asked: SetBudget, control: Interrupt) -> Taken:
    del control
    held = session.held
    did = session.set_budget(asked)
    other = session.held is not None and held is not None and not same_limit(held, session.held)

    if held is not None:
        still = session.ledger.still_held(session)
        did += "; it goes on" if still is None else f"; still held: {still['text']}"

    def then() -> None:
        session.ledger.waitlist.join(session)
        session.ledger.made_room()

    return Taken(did, [_holding(session.held)] if other and session.held else [], then)


CHASSIS_GUIDANCE["set_budget"] = ChassisGuidance(
    SetBudget,
    "a scope of session, agent, tree or day, and ticks, tokens, cost_usd or wall_s: a number, or "
    "null for no limit",
    _set_budget,
)
