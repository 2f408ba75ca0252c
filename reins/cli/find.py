"""`reins find` and `reins note`: a log answers questions, and keeps remarks."""

from typing import Any

import click

import queue_imp
from reins.cli.folder import FolderCommand, data_option
from reins.cli.look import print_row
from reins.cli.steer import acting, answer
from store import agent_steps, agents_config, notes
from store.finding.searching import local_zone

_MOST = 1_000_000


@click.command(
    "find",
    cls=FolderCommand,
    help="search in a session's log",
    epilog="A query has words, and parts such as kind:guidance, by:carol, cost>0.01, "
    "changed:subject, since:03:50, until:03:55; a minus before a part turns it round.",
)
@data_option
@click.argument("agent_id")
@click.argument("query", nargs=-1)
@click.option("--session", help="session_id, if not the agent's own")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="the last N matches only")
@click.option("--count", is_flag=True, help="print how many there are, and their cost")
@click.option("--json", "as_json", is_flag=True, help="a JSON object per row")
def find(
    *,
    agent_id: str,
    query: tuple[str, ...],
    session: str | None,
    last: int | None,
    count: bool,
    as_json: bool,
) -> None:
    session_id = agents_config.as_stored(session or agent_id)
    found = agent_steps.find_steps(
        session_id, " ".join(map(quoted, query)), limit=last or _MOST,
        newest=last is not None, zone=local_zone(),
    )  # fmt: skip
    if not found.head:
        raise ValueError(f"there is no log of session {session_id}; see reins status")
    if count:
        print(f"{found.count} of {found.head} rows, ${found.cost_usd:.4f}")
        return
    noted: dict[int, list[dict[str, Any]]] = {}
    for each in notes.list_notes(session_id):
        noted.setdefault(each["seq"], []).append(each)
    for row in agent_steps.steps_at(session_id, found.seqs):
        print_row(row, as_json=as_json)
        for each in () if as_json else noted.get(row["seq"], ()):
            print(f"          note by {each['author']}: {each['text']}")


@acting("note", "pin a remark to a row of a session's log")
@click.argument("agent_id")
@click.argument("seq", type=click.IntRange(min=1))
@click.argument("text")
@click.option("--session", help="session_id, if not the agent's own")
def note(
    *, agent_id: str, actor: str, wait: float | None, session: str | None, seq: int, text: str
) -> None:
    answer(queue_imp.note_add(agent_id, actor, seq, text, session_id=session), wait_s=wait)


def quoted(part: str) -> str:
    """An argument that the shell has unquoted is one part still."""
    name, sign, value = part.partition(":")
    if " " not in part or '"' in part:
        return part
    return f'{name}{sign}"{value}"' if sign and " " not in name else f'"{part}"'
