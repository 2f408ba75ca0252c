"""`reins search`: where anything was said or done, by whom and why."""

from typing import Any

import click

from reins import terminal
from reins.cli.find import quoted
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json

_COLUMNS = 110


@click.command(
    "search",
    cls=FolderCommand,
    help="search everything that was said",
    epilog="A query has words, and parts such as agent:finn, kind:said, by:carol, source:message, "
    "since:24h, cost>0.01; a minus before a part turns it round.",
)
@data_option
@click.argument("query", nargs=-1)
@click.option("--session", help="in the log of this session only")
@click.option("--since", metavar="WHEN", help="a time, or how long ago: 24h")
@click.option(
    "--like", metavar="SESSION:ROW", help="rows like this one; of a conversation, too: tea:35"
)
@click.option(
    "--around",
    type=click.IntRange(0, 5),
    default=0,
    show_default=True,
    help="rows to show before and after each hit",
)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def search(
    *,
    query: tuple[str, ...],
    session: str | None,
    since: str | None,
    like: str | None,
    around: int,
    limit: int,
    as_json: bool,
) -> None:
    if not (query or like or session or since):
        raise click.UsageError("give words to search for, fields such as kind:said, or --like")
    from reins.search.asking import search as asked  # noqa: PLC0415 - it takes half a second

    # One argument is a query as the page takes it; of several, each is a part.
    parts = [*query] if len(query) == 1 else [*map(quoted, query)]
    parts += [f'session:"{session}"'] if session else []
    parts += [f"since:{since}"] if since else []
    found = asked(" ".join(parts), limit=limit, around=around, like=like)
    if as_json:
        print_json(found, indent=2)
        return
    for group in found["groups"]:
        print(terminal.shown(_name(group)))
        for hit in group["hits"]:
            _print_hit(hit)
    if not found["groups"]:
        print("nothing was found")
    if found["behind"]:
        print(f"{found['behind']} rows are not in the index yet")


def _name(group: dict[str, Any]) -> str:
    for of, name in (
        ("", group["session_id"]),
        ("document ", group["document_id"]),
        ("conversation ", group["conversation_id"]),
    ):
        if name:
            return f"{of}{name}"
    return "of no session"


def _print_hit(hit: dict[str, Any]) -> None:
    before = [each for each in hit["nearby"] if each["number"] < hit["number"]]
    for each in before:
        print(f"    {_line(each)}")
    print(f"  {_line(hit)}")
    for each in hit["nearby"][len(before) :]:
        print(f"    {_line(each)}")


def _line(hit: dict[str, Any]) -> str:
    number = "" if hit["number"] is None else f"#{hit['number']} "
    by = f"{hit['actor']}: " if hit["kind"] == "message" and hit["actor"] else ""
    if hit.get("place") is not None:
        number = f"{hit['place']} "
    at = hit["at"][:19].replace("T", " ")
    text = terminal.cut(terminal.shown(" ".join(hit["text"].split())), _COLUMNS)
    return f"{number}{at}  {hit['kind']}  {terminal.shown(by)}{text}"
