"""New guidance, or a decision, for a session that runs: an interrupt never cancels it."""

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from agent_core.agent.base import AgentBase
from agent_core.agent.deciding import take_decision
from agent_core.agent.guidance import ForChassis, GuidanceRejectedError, Taken, Understood
from agent_core.budgets.limits import BudgetSpentError, spent_in
from agent_core.session.controls import Applied, Control, Decide, Hear, Interrupt, Resume, Stop
from agent_core.session.decisions import DecisionRejectedError
from agent_core.session.failures import describe, is_own_end
from agent_core.session.log import Event

_logger = structlog.get_logger(__name__)


class InterruptMixin(AgentBase):
    """Takes guidance and decisions in at safe points, and ticks at once after them."""

    def on_control(self, control: Control) -> None:
        if is_now(control):
            self.session.scope.abort("guidance")
            self.session.scope.abort_guidance()
        super().on_control(control)

    async def apply(self, control: Control) -> None:
        if not isinstance(control, Interrupt | Decide):
            await super().apply(control)
            return
        session, before = self.session, ""
        limit_s = session.schedule.tick_timeout_s
        try:
            before = self.state.model_dump_json()  # a deep copy takes several times as long
            async with asyncio.timeout(limit_s) as session.scope.guide_limit:
                taken = await self._take(control)
                state = self.save_state()
        except BaseException as error:  # whatever the agent makes of it, it is answered
            if is_own_end(error):
                raise
            if before:
                self.state = self.State.model_validate_json(before)
            _logger.warning("guidance rejected", error_type=type(error).__name__, **session.names)
            is_end = isinstance(error, TimeoutError) and not str(error) and not spent_in(error)
            why = self._given_up(limit_s) if is_end else _why(error)
            what = "guidance" if isinstance(control, Interrupt) else "decision"
            if isinstance(control, Hear) and isinstance(error, GuidanceRejectedError):
                await self._bury_heard(control, why)
                return
            session.refuse(control, f"the {what} could not be applied: {why}")
            return
        finally:
            session.scope.guide_limit = None
        await self._on_record(control, taken, state)

    async def _bury_heard(self, control: Hear, why: str) -> None:
        """The message is a dead letter, in the commit that moves the cursor on."""
        session, (topic, number) = self.session, control.source
        session.heard(topic, number)
        event = Event(
            "status",
            f"{session.status}: message {number} of {topic} is a dead letter: {why}",
            payload={"dead": {"topic": topic, "number": number}, "actor": control.actor},
        )
        control.settle(Applied(await session.log.record(event, also=control.letter(why))))

    async def _take(self, control: Interrupt | Decide) -> Taken:
        if isinstance(control, Hear) and control.vain is not None:
            raise GuidanceRejectedError(control.vain)
        if isinstance(control, Decide):
            taken = await take_decision(self, control)
            return replace(taken, did=_line(taken.did, "decided"))
        if control.undoes is not None and control.undoes[1] != self.session.guided:
            raise GuidanceRejectedError(
                "newer guidance, or a decision, has come after it; take that back first, or say "
                "what is to hold instead"
            )
        # Parsed anew: newer code may have taken over since it was accepted.
        guidance = self.parse_guidance(control.raw)
        if isinstance(guidance, ForChassis):
            taken = await guidance.kind.take(self.session, guidance.value, control)
            return taken if control.undoes is None else replace(taken, did=f"undo: {taken.did}")
        understood = await self.guide(guidance)
        if not isinstance(understood, Understood):
            understood = Understood(_line(understood, "guide"))
        line = understood.line if control.undoes is None else f"undo: {understood.line}"
        return Taken(line, undo=understood.undo)

    async def _on_record(self, control: Interrupt | Decide, taken: Taken, state: str) -> None:
        session = self.session
        session.guided = guided = session.guided + 1
        if isinstance(control, Hear):
            session.heard(*control.source)
        if session.waits is not None and session.waits.is_stuck:
            session.end_wait()
        with taken.recording as recorded:
            event = Event(
                "guidance",
                taken.did,
                payload={
                    **_said(control),
                    **recorded.payload,
                    "actor": control.actor,
                    **({} if taken.undo is None else {"undo": taken.undo, "guided": guided}),
                },
                applied=control.applied,
            )
            last = await session.log.record(
                event, *taken.events, state=state, also=recorded.records
            )
        control.settle(Applied(last - len(taken.events)))
        session.agent.tick_now()
        taken.then()

    def _given_up(self, limit_s: float) -> str:
        """The reason why guidance was given up; what ended it has come in after it."""
        waiting = [*self.session.mailbox.waiting()]
        if any(isinstance(control, Stop) for control in waiting):
            return "it was given up for a stop"
        if any(is_now(control) for control in waiting):
            return "it was given up for newer guidance of mode now; give it again if it still holds"
        return f"it was given up after {limit_s:g} s"


def is_now(control: Control) -> bool:
    """True if it gives up what is in flight."""
    return isinstance(control, Interrupt | Resume) and control.mode == "now"


def _said(control: Interrupt | Decide) -> dict[str, Any]:
    if isinstance(control, Decide):
        return {"type": "decision"}
    said: dict[str, Any] = {"guidance": control.raw, "mode": control.mode}
    if isinstance(control, Hear):
        topic, number = control.source
        said["message"] = {"topic": topic, "number": number}
    return said if control.undoes is None else {**said, "undoes": control.undoes[0]}


def _line(did: object, by: str) -> str:
    if not isinstance(did, str):
        raise TypeError(f"{by}() returned {type(did).__name__}; expected a line of text")
    return did.encode("utf-8", "replace").decode()


def _why(error: BaseException) -> str:
    match spent_in(error) or error:
        case GuidanceRejectedError() | DecisionRejectedError():
            return str(error)
        case BudgetSpentError() as spent:
            how = "with set_budget"
            if spent.held["scope"] == "worker":
                how = f"by REINS_BUDGET_DAY_{spent.held['what'].upper()} and a reload"
            return f"{spent}. Raise it {how}, or say it in a way that needs no model."
        case _:
            return describe(error)
