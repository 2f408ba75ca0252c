"""`reins publish`, `reins topic` and `reins dead`: messages of topics from a shell."""

import json
from typing import Any

import click

import queue_imp
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.steer import acting, answer
from store import dead_letters, topics


@acting("publish", "publish a message to a topic")
@click.argument("topic")
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="TEXT is JSON")
def publish(*, topic: str, actor: str, wait: float | None, text: str, as_json: bool) -> None:
    answer(queue_imp.publish(topic, actor, _read(text) if as_json else text), wait_s=wait)


@acting("redeliver", "give a dead letter to its subscriber again")
@click.argument("letter_id")
def redeliver(*, letter_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.dead_letter_replay(letter_id, actor), wait_s=wait)


@click.command(
    "topic", cls=FolderCommand, help="print the messages of a topic, or its dead letters"
)
@data_option
@click.argument("topic")
@click.option("--after", type=int, default=0, help="from the message after this number on")
@click.option("--dead", is_flag=True, help="messages that a subscriber could not use")
def topic(*, topic: str, after: int, dead: bool) -> None:
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
