"""`reins report`: the figures of one session, from its log and its model calls."""

from collections.abc import Sequence

import click

from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from reins.reporting import forms
from reins.reporting.figures import Report
from reins.reporting.reading import session_report
from store import agents_config
from store.reading import reader

_WHAT_COLUMNS = 48


@click.command("report", cls=FolderCommand, help="time, cost, success rates and waits of a session")
@data_option
@click.argument("session")
@click.option("--format", "form", type=click.Choice(("csv", "md", "json")),
              help="instead of a table for the terminal")  # fmt: skip
def report(*, session: str, form: str | None) -> None:
    session_id = agents_config.as_stored(session)
    found = session_report(session_id, store=reader())
    if found is None:
        raise ValueError(f"there is no log of session {session_id}; see reins status")
    match form:
        case "csv":
            print(forms.as_csv(found), end="")
        case "md":
            print(forms.as_markdown(found), end="")
        case "json":
            print_json(forms.as_data(found), indent=2)
        case _:
            _print_table(found)


def _print_table(found: Report) -> None:
    print(f"{found.session_id}: {forms.summary(found)}")
    head, *lines = (
        [terminal.cut(terminal.shown(each), _WHAT_COLUMNS) for each in row]
        for row in forms.rows_of(found)
    )
    table = [[each.upper() for each in head], *lines]
    widths = [max(map(terminal.width, column)) for column in zip(*table, strict=True)]
    for row in table:
        print(_columns(row, widths))


def _columns(row: Sequence[str], widths: Sequence[int]) -> str:
    """The row, its name on the left and each figure at the right of its column."""
    what, *figures = row
    rest = (each.rjust(wide) for each, wide in zip(figures, widths[1:], strict=True))
    return "  ".join([terminal.padded(what, widths[0]), *rest])
