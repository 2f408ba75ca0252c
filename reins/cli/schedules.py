"""`reins schedules`: what is published when; set, pause, resume, run and remove one."""

from typing import Any

import click

import queue_imp
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.steer import acting, answer, parsed
from store.times import iso


@click.group("schedules", help="what is published when: list, set, pause, resume, run, remove")
def schedules() -> None:
    pass


@schedules.command("list", cls=FolderCommand, help="list the schedules")
@data_option
def list_schedules() -> None:
    for row in queue_imp.schedules():
        state = (
            f"paused by {row['paused_by']}" if row["paused_by"] else f"next {iso(row['next_at'])}"
        )
        print(
            terminal.shown(
                f"{row['schedule_id']}  {row['when']} {row['zone']}  to {row['topic']}  {state}"
                f"  last {iso(row['last_at']) or 'never'}"
            )
        )


@acting("set", "publish to a topic when it is due")
@click.argument("schedule_id")
@click.argument("topic")
@click.argument("when")
@click.option("--zone", default="UTC", help="time zone of a cron expression (UTC)")
@click.option(
    "--catch-up",
    type=click.Choice(["latest", "all", "none"]),
    default="latest",
    help="what is made up for of the runs that no worker was there for (latest)",
)
@click.option("--message", help="a text to publish; default: which schedule it is, and when")
@click.option("--json", "as_json", help="the message, as JSON")
def set_schedule(
    *, schedule_id: str, topic: str, when: str, zone: str, catch_up: Any, message: str | None,
    as_json: str | None, actor: str, wait: float | None,
) -> None:  # fmt: skip
    if message is not None and as_json is not None:
        raise ValueError("--message and --json were given; a message is one of them")
    said = message if as_json is None else parsed(as_json, "--json")
    answer(
        queue_imp.schedule_set(
            schedule_id, actor, topic=topic, when=when, zone=zone, catch_up=catch_up, message=said
        ),
        wait_s=wait,
    )


@acting("pause", "let a schedule rest")
@click.argument("schedule_id")
def pause(*, schedule_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.schedule_pause(schedule_id, actor), wait_s=wait)


@acting("resume", "let a schedule go on")
@click.argument("schedule_id")
def resume(*, schedule_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.schedule_pause(schedule_id, actor, paused=False), wait_s=wait)


@acting("run", "publish now, once more than it is due")
@click.argument("schedule_id")
def run(*, schedule_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.schedule_run(schedule_id, actor), wait_s=wait)


@acting("remove", "end a schedule")
@click.argument("schedule_id")
def remove(*, schedule_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.schedule_remove(schedule_id, actor), wait_s=wait)


for _command in (set_schedule, pause, resume, run, remove):
    schedules.add_command(_command)
