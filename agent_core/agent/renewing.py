"""Newer code of a session's type takes over, without a restart."""

import structlog

from agent_core.agent.base import AgentBase
from agent_core.session.controls import Applied, Control, Renew
from agent_core.session.failures import describe
from agent_core.session.log import Event

_logger = structlog.get_logger(__name__)


class RenewMixin(AgentBase):
    """Hands the session on to an agent of the newer class, with its state and its next tick."""

    async def apply(self, control: Control) -> None:
        if not isinstance(control, Renew):
            await super().apply(control)
            return
        session, old, kind = self.session, self.session.agent, control.agent_class
        try:
            config = kind.Config.model_validate(self.config.model_dump())
            renewed = kind(session=session, config=config, services=self.shared_services)
            renewed.load_state()
        except Exception as error:  # noqa: BLE001 - the new code's fault does not end the session
            why = describe(error)
            _logger.warning("newer code not taken", error=why, **session.names)
            await session.log.record(Event("error", "goes on with the code it had", error=why))
            session.refuse(control, f"session {session.session_id}: {why}")
            return
        renewed.due_at = old.due_at
        session.agent = renewed
        old.retire()
        control.settle(Applied(session.seq))
