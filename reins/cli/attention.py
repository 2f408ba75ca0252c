"""The causes that need a person, from a shell: `reins attention`."""

import click

from agent_core.session.concerns import Concern, Concerned, concerns_of
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.look import snapshot_of
from reins.cli.outcome import print_json
from store import agent_state
from store.times import from_us

_NAMED = 5
_AT = "%Y-%m-%d %H:%M:%S"


@click.command("attention", cls=FolderCommand, help="list what needs a person, by cause")
@data_option
@click.option("--json", "as_json", is_flag=True, help="a JSON object per cause")
@click.option("--names", is_flag=True, help="name all sessions of each cause")
def attention(*, as_json: bool, names: bool) -> None:
    found = (
        Concerned.of(row["session_id"], row["agent_id"], snapshot_of(row))
        for row in agent_state.each_agent_state()
    )
    concerns = concerns_of(each for each in found if each is not None)
    for concern in concerns:
        if as_json:
            ids = [each.session_id for each in concern.sessions]
            print_json({**concern.row(), "sessions": ids})
        else:
            print(terminal.hanging(_line(concern, None if names else _NAMED)), flush=True)
    if not concerns and not as_json:
        print("nothing needs you")


def _line(concern: Concern, most: int | None) -> str:
    """The kind, how many, the cause, since when, and who; with what would be enough of a limit."""
    ids = [each.session_id for each in concern.sessions]
    who = ", ".join(map(terminal.shown, ids[:most]))
    left = "" if most is None or len(ids) <= most else f" and {len(ids) - most} more (--names)"
    since = ""
    if concern.since is not None:
        since = f", since {from_us(concern.since).astimezone():{_AT}}"
    enough = "" if concern.raise_to is None else f"; {concern.raise_to:g} would be enough"
    said = f"{concern.kind:<9} {len(ids):>4}  {terminal.shown(concern.text)}{enough}{since}"
    return f"{said}\n  {who}{left}"
