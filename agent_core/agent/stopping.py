"""The end of a session: cooperative first, then a time limit, then by force."""

from typing import Any

import structlog

from agent_core.agent.base import AgentBase
from agent_core.agent.results import FinalResult
from agent_core.session.controls import Applied, Control, Stop
from agent_core.session.log import Event
from agent_core.session.restoring import settled_by_stop
from agent_core.session.status import Status
from store.times import now_us

_logger = structlog.get_logger(__name__)


class StopMixin(AgentBase):
    """Ends the session at a safe point; a tick that does not end is aborted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stop: Stop | None = None

    def on_control(self, control: Control) -> None:
        session = self.session
        if isinstance(control, Stop) and self._stop is None:
            self._stop = control
            # Also where nothing runs yet: guidance that came before it may take its time.
            session.beside.arm(session.schedule.stop_grace_s, self._abort)
            if session.scope.busy:
                session.status = Status.STOPPING
                session.beside.run(session.log.announce(Status.STOPPING), "announce stopping")
                session.give_way()
        super().on_control(control)

    def may_tick(self) -> bool:
        # A session whose stop was cut short by a crash waits for it, which the queue still has.
        return self.session.status is not Status.STOPPING and super().may_tick()

    async def apply(self, control: Control) -> None:
        if isinstance(control, Stop):
            self.session.status = Status.STOPPED
            control.settle(Applied(await self.session.log.record(self.final(control))))
        else:
            await super().apply(control)

    def final(
        self, control: Stop | None = None, error: str | None = None, *, ticks: int = 0
    ) -> Event:
        """The last row of a session's life: its FinalResult; `ticks` are committed with it."""
        session = self.session
        reason = f": {control.reason}" if control is not None and control.reason else ""
        result = FinalResult(
            status=session.status.value,
            state=self.state.model_dump(mode="json"),
            output=session.result,
            error=error or session.error,
            audit={
                "ticks": session.iteration + ticks,
                "guidance": session.guided,
                "failures_in_a_row": session.failures,
            },
            times={"created_at": session.created_at, "ended_at": now_us()},
            payload=self.report(),
        )
        return Event(
            "final",
            f"{session.status.value}{reason}",
            payload={
                "result": result.as_payload(),
                "actor": None if control is None else control.actor,
                "reason": None if control is None else control.reason,
                **({} if control is None else settled_by_stop(session)),
            },
            applied=() if control is None else control.applied,
            error=error,
        )

    def _abort(self) -> None:
        session = self.session
        session.abort_work()
        session.beside.disarm()
        session.beside.arm(session.schedule.stop_grace_s, self._force)

    def _force(self) -> None:
        self.session.beside.run(self._close_by_force(), "close by force")

    async def _close_by_force(self) -> None:
        session, stop = self.session, self._stop
        if stop is None or session.task is None:
            return
        error = "the tick did not end when it was cancelled; it was left behind"
        seq = await session.log.close_by_force(lambda: self.final(stop, error))
        if seq is not None:
            _logger.error("tick left behind", error=error, **session.names)
            stop.settle(Applied(seq))
            session.refuse_mail()
            session.task.cancel()
