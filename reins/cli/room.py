"""`reins room`: steer all who take part in a conversation at once."""

import click

import queue_imp
from reins.cli.steer import acting, answer


@click.group("room", help="steer a conversation: pause, resume, set, end, branch")
def room() -> None:
    """The verbs stand below."""


_id = click.argument("conversation_id")


@acting("pause", "let no persona speak until it is resumed")
@_id
@click.option("--reason")
def pause(*, conversation_id: str, actor: str, wait: float | None, reason: str | None) -> None:
    answer(queue_imp.conversation_pause(conversation_id, actor, reason), wait_s=wait)


@acting("resume", "let the personas go on, also where they rest")
@_id
def resume(*, conversation_id: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.conversation_resume(conversation_id, actor), wait_s=wait)


@acting("set", "change its title, pace or ceiling")
@_id
@click.option("--title")
@click.option("--pace", type=click.Choice(["calm", "brisk", "free"]))
@click.option("--ceiling", type=int, help="messages of personas without a person's")
def change(
    *,
    conversation_id: str,
    actor: str,
    wait: float | None,
    title: str | None,
    pace: str | None,
    ceiling: int | None,
) -> None:
    answer(
        queue_imp.conversation_set(conversation_id, actor, title=title, pace=pace, ceiling=ceiling),
        wait_s=wait,
    )


@acting("end", "end it; its transcript stays")
@_id
@click.option("--reason")
def end(*, conversation_id: str, actor: str, wait: float | None, reason: str | None) -> None:
    answer(queue_imp.conversation_end(conversation_id, actor, reason), wait_s=wait)


@acting("branch", "begin another with its messages up to one, and the same personas")
@_id
@click.argument("upto", type=int)
@click.argument("branch_id")
@click.option("--title")
@click.option("--speaker", help="session whose persona is asked to speak there")
def branch(
    *,
    conversation_id: str,
    upto: int,
    branch_id: str,
    actor: str,
    wait: float | None,
    title: str | None,
    speaker: str | None,
) -> None:
    ids = queue_imp.conversation_branch(
        conversation_id, upto, branch_id, actor, title=title, speaker=speaker
    )
    answer(*ids, wait_s=wait)


for _verb in (pause, resume, change, end, branch):
    room.add_command(_verb)
