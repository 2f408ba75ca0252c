"""The causes that need a person, from a shell: `reins attention`."""

import click

from agent_core.session.concerns import Concern, Concerned, concerns_of
from reins import terminal
from reins.bus.dead import DeadCause, dead_causes
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
    dead = dead_causes()
    for cause in dead:
        if as_json:
            print_json({**cause.row(), "letter_ids": [*cause.letter_ids]})
        else:
            print(terminal.hanging(_dead_line(cause, None if names else _NAMED)), flush=True)
    if not concerns and not dead and not as_json:
        print("nothing needs you")


def _dead_line(cause: DeadCause, most: int | None) -> str:
    """How many messages, of which topic and whom, why, and their ids for `reins redeliver`."""
    who = ", ".join(cause.letter_ids[:most])
    left = (
        "" if most is None or cause.count <= most else f" and {cause.count - most} more (--names)"
    )
    said = f"{'dead':<9} {cause.count:>4}  {terminal.shown(str(cause.row()['text']))}"
    return f"{said}\n  {who}{left}"


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
