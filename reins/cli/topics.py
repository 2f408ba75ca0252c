"""`reins publish`, `reins topic` and `reins dead`: messages of topics from a shell."""

import json
from typing import Any, get_args

import click

import queue_imp
from agent_core.actions.topics import WhenFull
from reins import terminal
from reins.bus.subscribers import list_subscribers
from reins.cli.folder import FolderCommand, data_option
from reins.cli.steer import acting, answer
from store import dead_letters, topics


@acting("publish", "publish a message to a topic")
@click.argument("topic")
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="TEXT is JSON")
def publish(*, topic: str, actor: str, wait: float | None, text: str, as_json: bool) -> None:
    answer(queue_imp.publish(topic, actor, _read(text) if as_json else text), wait_s=wait)


@acting("bound", "set how far the subscribers of a topic may be behind")
@click.argument("topic")
@click.option("--max-unread", type=int, help="messages; default: as the settings say")
@click.option("--max-age-s", type=float, help="seconds; default: as the settings say")
@click.option(
    "--when-full",
    type=click.Choice(get_args(WhenFull)),
    default="reject",
    help="what becomes of one message more",
)
def bound(
    *, topic: str, actor: str, wait: float | None, max_unread: int | None, max_age_s: float | None,
    when_full: WhenFull,
) -> None:  # fmt: skip
    asked = queue_imp.topic_set(
        topic, actor, max_unread=max_unread, max_age_s=max_age_s, when_full=when_full
    )
    answer(asked, wait_s=wait)


@acting("redeliver", "give a dead letter to its subscriber again")
@click.argument("letter_id")
def redeliver(*, letter_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.dead_letter_replay(letter_id, actor), wait_s=wait)


@click.command(
    "topic",
    cls=FolderCommand,
    help="print the messages of a topic, its dead letters or subscribers",
)
@data_option
@click.argument("topic")
@click.option("--after", type=int, default=0, help="from the message after this number on")
@click.option("--dead", is_flag=True, help="messages that a subscriber could not use")
@click.option("--subscribers", is_flag=True, help="who subscribes, and how far each is behind")
def topic(*, topic: str, after: int, dead: bool, subscribers: bool) -> None:
    if subscribers:
        for each in list_subscribers(topic):
            print(
                f"{each.session_id}  {each.status}  cursor {each.cursor}  "
                f"{each.lag} messages behind, {each.lag_s:.0f} s"
            )
        return
    if dead:
        for row in dead_letters.list_dead_letters(topic):
            print(
                f"{row['letter_id']}  message {row['number']}  session {row['session_id']}  "
                f"{row['attempts']} attempts  {terminal.shown(row['error'])}"
            )
        return
    for row in topics.list_topic_messages(topic, after):
        said = topics.message_of(row)
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        print(f"{row['number']}  {row['author']}  {terminal.shown(text)}")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"TEXT is no JSON: {error}; leave --json out for a text") from None
