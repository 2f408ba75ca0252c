"""Pause and resume, at safe points: `paused` means that no tick is in flight."""

from dataclasses import replace
from typing import Literal

from agent_core.agent.base import AgentBase
from agent_core.session.controls import Applied, Control, Hold, Pause, Resume
from agent_core.session.log import Event
from agent_core.session.session import Session
from agent_core.session.status import Status
from agent_core.session.trouble import resumed
from agent_core.session.waiting import Waiting


class PauseMixin(AgentBase):
    """Holds the loop while the session is paused, or is stuck until a person does something."""

    def may_tick(self) -> bool:
        session = self.session
        if session.waits is None and session.status is Status.RUNNING:
            return True  # as nearly always: nothing else has a say
        if session.waits is not None and session.waits.is_stuck:
            return False
        return session.status is not Status.PAUSED and super().may_tick()

    def on_control(self, control: Control) -> None:
        session = self.session
        if isinstance(control, Pause) and session.scope.busy and session.status is Status.RUNNING:
            session.status = Status.PAUSING
            session.beside.run(session.log.announce(Status.PAUSING), "announce pausing")
            session.give_way()
        super().on_control(control)

    async def apply(self, control: Control) -> None:
        match control:
            case Pause():
                await self._change(control, Status.PAUSED, control.reason)
            case Hold():
                await self._hold_for_people(control)
            case Resume() if self.session.status is Status.FAILED:
                await self._run_again(control)
            case Resume():
                self.session.failures = 0  # who says to go on means as often as for a new one
                await self._change(control, Status.RUNNING, None)
                self.session.agent.tick_now()
            case _:
                await super().apply(control)

    async def _hold_for_people(self, control: Hold) -> None:
        """Stuck, as a type says it of itself; nothing where it stands still for another reason."""
        session = self.session
        if session.status is not Status.RUNNING or session.waits is not None:
            session.refuse(control, f"session {session.session_id} stands still already")
            return
        session.waits = Waiting.stuck(control.reason)
        text = f"{session.status}; it is stuck: {control.reason}"
        event = Event("status", text, payload={"actor": control.actor, "stuck": control.reason})
        control.settle(Applied(await session.log.record(event)))

    async def _change(self, control: Control, status: Status, reason: str | None) -> None:
        session = self.session
        was_well = session.held is None and session.waits is None and not session.failures
        if status is Status.RUNNING and not (was_well and session.trouble is None):
            session.trouble = resumed()
        session.status = status
        session.held = None  # a person's word replaces the budget's hold
        session.ledger.waitlist.leave(session)
        session.end_wait()
        if session.lineage is not None:
            session.lineage = replace(session.lineage, standing=_standing(session, control))
        payload = {"actor": control.actor, "reason": reason}
        text = status.value if reason is None else f"{status.value}: {reason}"
        event = Event("status", text, payload=payload, applied=control.applied)
        control.settle(Applied(await session.log.record(event)))
        session.kin.changed(session)

    async def _run_again(self, control: Resume) -> None:
        """After a failure, as if nothing had failed."""
        session = self.session
        session.status = Status.RUNNING
        session.failures = 0
        session.error = None
        session.trouble = resumed()
        session.agent.tick_now()
        text, payload = "running again after failure", {"actor": control.actor}
        event = Event("status", text, payload=payload, applied=control.applied)
        control.settle(Applied(await session.log.record(event)))


def _standing(session: Session, control: Control) -> Literal["", "paused", "apart"]:
    """The meaning of its parent's pauses to it, once this is applied."""
    lineage = session.lineage
    if lineage is None:
        return ""
    if control.actor == lineage.parent:
        return "paused" if isinstance(control, Pause) else ""
    was_paused = lineage.standing == "paused"
    return "apart" if was_paused and isinstance(control, Resume) else ""
