"""The handlers of actions about schedules."""

from typing import Any, Protocol

from agent_core.actions.handling import Action, handles
from agent_core.actions.payloads import SchedulePause, ScheduleRemove, ScheduleRun, ScheduleSet
from agent_core.agent.services import Services
from agent_core.session.controls import Applied, Outcome, Rejected
from reins.sources.scheduler import Scheduler, UnknownScheduleError
from store.times import now_us, to_us


class Sessions(Protocol):
    """All sessions, as far as schedules need them."""

    services: Services


class Worker(Protocol):
    """The worker, as handlers of schedules know it."""

    @property
    def fleet(self) -> Sessions: ...


class Queued(Action, Protocol):
    """An action with its row, which says when it came."""

    row: dict[str, Any]


@handles(ScheduleSet)
async def schedule_set(worker: Worker, action: Queued) -> Outcome:
    asked = action.payload(ScheduleSet)
    await _scheduler(worker).set(asked, action.actor, action.action_id, _asked_at(action))
    return Applied()


@handles(SchedulePause)
async def schedule_pause(worker: Worker, action: Queued) -> Outcome:
    asked = action.payload(SchedulePause)
    paused_by = action.actor if asked.paused else None
    try:
        await _scheduler(worker).pause(asked.schedule_id, paused_by, action.action_id)
    except UnknownScheduleError as error:
        return Rejected(str(error))
    return Applied()


@handles(ScheduleRun)
async def schedule_run(worker: Worker, action: Queued) -> Outcome:
    """Its outcome names the message's number."""
    schedule_id = action.payload(ScheduleRun).schedule_id
    try:
        return Applied(await _scheduler(worker).run_now(schedule_id, action.action_id))
    except UnknownScheduleError as error:
        return Rejected(str(error))


@handles(ScheduleRemove)
async def schedule_remove(worker: Worker, action: Queued) -> Outcome:
    schedule_id = action.payload(ScheduleRemove).schedule_id
    if schedule_id.startswith("@"):
        return Rejected(
            f"schedule {schedule_id} is an agent's own, and ends with its session; pause it, or "
            "destroy the session"
        )
    try:
        await _scheduler(worker).remove(schedule_id, action.actor, action.action_id)
    except UnknownScheduleError as error:
        return Rejected(str(error))
    return Applied()


def _scheduler(worker: Worker) -> Scheduler:
    return worker.fleet.services.get(Scheduler)


def _asked_at(action: Queued) -> int:
    """The time of asking, the same where the action is applied again; never in the future."""
    at = action.row.get("created_at")
    return now_us() if at is None else min(now_us(), at if isinstance(at, int) else to_us(at))
