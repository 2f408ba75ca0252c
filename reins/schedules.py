"""The helpers of schedules: what is published to a topic, and when."""

from typing import Any

from agent_core.actions.ids import checked_id, known_id
from agent_core.actions.payloads import CatchUp
from agent_core.actions.scheduling import checked_schedule_id
from agent_core.actions.topics import checked_message, checked_open_topic
from agent_core.actions.when import read_when
from reins.sending import ask
from store import schedules as table


def schedule_set(
    schedule_id: str,
    actor: str,
    *,
    topic: str,
    when: str,
    zone: str = "UTC",
    catch_up: CatchUp = "latest",
    message: Any = None,
    action_id: str | None = None,
) -> str:
    """Ask that a message is published to a topic when it is due; the same id again changes that.

    `when` is `every:5m` or `cron:0 9 * * 1-5`, in the time zone `zone`. `catch_up`: of the runs
    that no worker was there for, the `latest` is made up for, `all` (100 at the most), or `none`.
    Raises: ActionError.
    """
    read_when(when, zone)
    return ask(
        "schedule_set",
        actor,
        action_id=action_id,
        schedule_id=checked_schedule_id(checked_id(schedule_id, "schedule_id")),
        topic=checked_open_topic(topic),
        when=when,
        zone=zone,
        catch_up=catch_up,
        message=None if message is None else checked_message(message),
    )


def schedule_pause(
    schedule_id: str,
    actor: str,
    paused: bool = True,  # noqa: FBT001, FBT002 - the promised signature
    *,
    action_id: str | None = None,
) -> str:
    """Let a schedule rest, or go on (`paused=False`); what was due meanwhile is left out."""
    return _ask("schedule_pause", schedule_id, actor, action_id, paused=paused)


def schedule_run(schedule_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Ask that a schedule publishes now, whenever it is due."""
    return _ask("schedule_run", schedule_id, actor, action_id)


def schedule_remove(schedule_id: str, actor: str, *, action_id: str | None = None) -> str:
    """Ask for the end of a schedule."""
    return _ask("schedule_remove", schedule_id, actor, action_id)


def schedules() -> list[dict[str, Any]]:
    """The schedules that there are, those of agents too, by id."""
    return table.list_schedules()


def _ask(
    action_type: str, schedule_id: str, actor: str, action_id: str | None, **parts: object
) -> str:
    return ask(
        action_type,
        actor,
        action_id=action_id,
        schedule_id=known_id(schedule_id, "schedule_id"),
        **parts,
    )
