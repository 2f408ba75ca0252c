"""New guidance for a session that runs: an interrupt never cancels it."""

import asyncio

import structlog

from agent_core.base import AgentBase, GuidanceRejected
from agent_core.controls import Control, Interrupt
from agent_core.failures import described, is_own_end
from agent_core.log import Event
from agent_core.session import refuse, settle

_log = structlog.get_logger(__name__)


class InterruptMixin(AgentBase):
    """Takes guidance in at safe points, and ticks at once after it."""

    def noticed(self, control: Control) -> None:
        if isinstance(control, Interrupt) and control.mode == "now":
            self.session.abort_tick("guidance")
        super().noticed(control)

    async def apply(self, control: Control) -> None:
        if not isinstance(control, Interrupt):
            await super().apply(control)
            return
        session = self.session
        before = self.state.model_copy(deep=True)
        limit_s = session.schedule.tick_timeout_s
        try:
            async with asyncio.timeout(limit_s) as session.guide_scope:
                # Parsed anew: newer code may have taken over since it was accepted.
                did = _line(await self.guide(self.parse_guidance(control.raw)))
                state = self.dump()
        except BaseException as error:  # whatever the agent makes of it, it is answered
            if is_own_end(error):
                raise
            self.state = before
            _log.warning("guidance rejected", error_type=type(error).__name__, **session.names)
            refuse(control, session, f"the guidance could not be applied: {_why(error, limit_s)}")
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
        settle(control, await session.log.record(event, state=state))
        session.agent.tick_now()  # type: ignore[union-attr]


def _line(did: object) -> str:
    if not isinstance(did, str):
        raise TypeError(f"guide() returned {type(did).__name__}; expected a line of text")
    return did.encode("utf-8", "replace").decode()


def _why(error: BaseException, limit_s: float) -> str:
    match error:
        case GuidanceRejected():
            return str(error)
        case TimeoutError() if not str(error):
            return f"it was given up, at the latest after {limit_s:g} s, or for a stop"
        case _:
            return described(error)
