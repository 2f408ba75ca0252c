"""New guidance for a session that runs: an interrupt never cancels it."""

import asyncio

import structlog

from agent_core.agent.base import AgentBase, GuidanceRejected
from agent_core.agent.budgeting import holding
from agent_core.budgets.limits import BudgetSpent, SetBudget, same_limit, spent_in
from agent_core.session.controls import Control, Interrupt, Stop
from agent_core.session.failures import described, is_own_end
from agent_core.session.log import Event
from agent_core.session.session import refuse, settle

_log = structlog.get_logger(__name__)


class InterruptMixin(AgentBase):
    """Takes guidance in at safe points, and ticks at once after it."""

    def noticed(self, control: Control) -> None:
        if _is_now(control):
            self.session.abort_tick("guidance")
            self.session.abort_guidance()
        super().noticed(control)

    async def apply(self, control: Control) -> None:
        if not isinstance(control, Interrupt):
            await super().apply(control)
            return
        session = self.session
        before, held = self.state.model_copy(deep=True), session.held
        limit_s = session.schedule.tick_timeout_s
        try:
            async with asyncio.timeout(limit_s) as session.guide_scope:
                # Parsed anew: newer code may have taken over since it was accepted.
                guidance = self.parse_guidance(control.raw)
                if isinstance(guidance, SetBudget):
                    did = session.set_budget(guidance)
                else:
                    did = _line(await self.guide(guidance))
                state = self.dump()
        except BaseException as error:  # whatever the agent makes of it, it is answered
            if is_own_end(error):
                raise
            self.state = before
            _log.warning("guidance rejected", error_type=type(error).__name__, **session.names)
            is_end = isinstance(error, TimeoutError) and not str(error) and not spent_in(error)
            why = self._given_up(limit_s) if is_end else _why(error)
            refuse(control, session, f"the guidance could not be applied: {why}")
            return
        finally:
            session.guide_scope = None
        session.guided += 1
        event = Event(
            "guidance",
            did,
            payload={"guidance": control.raw, "mode": control.mode, "actor": control.actor},
            applied=[control.action_id],
        )
        events = [event]
        if session.held is not None and held is not None and not same_limit(held, session.held):
            events.append(holding(session.held))
        last = await session.log.record(*events, state=state)
        settle(control, last - len(events) + 1)
        session.agent.tick_now()  # type: ignore[union-attr]
        if isinstance(guidance, SetBudget):
            session.ledger.turns.join(session)
            session.ledger.made_room()

    def _given_up(self, limit_s: float) -> str:
        """Why the taking in of guidance was ended; what ended it has come in after it."""
        waiting = [*self.session.waiting_mail()]
        if any(isinstance(control, Stop) for control in waiting):
            return "it was given up for a stop"
        if any(_is_now(control) for control in waiting):
            return "it was given up for newer guidance of mode now; give it again if it still holds"
        return f"it was given up after {limit_s:g} s"


def _is_now(control: Control) -> bool:
    return isinstance(control, Interrupt) and control.mode == "now"


def _line(did: object) -> str:
    if not isinstance(did, str):
        raise TypeError(f"guide() returned {type(did).__name__}; expected a line of text")
    return did.encode("utf-8", "replace").decode()


def _why(error: BaseException) -> str:
    match spent_in(error) or error:
        case GuidanceRejected():
            return str(error)
        case BudgetSpent() as spent:
            how = "with set_budget"
            if spent.held["scope"] == "worker":
                how = f"by REINS_BUDGET_DAY_{spent.held['what'].upper()} and a reload"
            return f"{spent}. Raise it {how}, or say it in a way that needs no model."
        case _:
            return described(error)
