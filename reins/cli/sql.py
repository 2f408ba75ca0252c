"""`reins sql`: one SELECT over the tables."""

import sys
from typing import Any, Literal

import click
import orjson

from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import EXIT_USAGE, CommandError, print_json

_COLUMNS = 60


@click.command(
    "sql",
    cls=FolderCommand,
    help="run one SELECT over the tables, with the rows that wait for their flush",
    epilog="REINS_SQL=on turns it on. `reins sql 'SHOW TABLES'` and `reins sql 'DESCRIBE queue'` "
    "say what there is; the dialect is DuckDB's. A statement of - is read from standard input.",
)
@data_option
@click.argument("statement")
@click.option("--rows", type=click.IntRange(min=1), help="rows at the most")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table",
    show_default=True,
)  # fmt: skip
def sql(*, statement: str, rows: int | None, form: Literal["table", "csv", "json"]) -> None:
    from reins.sql.asking import as_csv  # noqa: PLC0415 - it takes half a second
    from reins.sql.asking import sql as asked  # noqa: PLC0415
    from reins.sql.errors import SqlUnavailableError, StatementError  # noqa: PLC0415

    try:
        found = asked(sys.stdin.read() if statement == "-" else statement, rows=rows)
    except SqlUnavailableError as error:
        raise CommandError(error, EXIT_USAGE) from None
    except StatementError as error:
        raise CommandError(terminal.shown(str(error))) from None
    if form == "json":
        print_json(found, indent=2)
        return
    if form == "csv":
        print(as_csv(found), end="")
    else:
        _print_table(found)
    if found["truncated"]:
        print(f"there are more than these {len(found['rows'])} rows", file=sys.stderr)


def _print_table(found: dict[str, Any]) -> None:
    lines = [[column["name"] for column in found["columns"]]]
    lines += [[_shown(value) for value in row] for row in found["rows"]]
    lines = [[terminal.cut(terminal.shown(each), _COLUMNS) for each in line] for line in lines]
    widths = [max(map(terminal.width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(terminal.padded, line, widths)).rstrip())


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return " ".join(value.split())
    return orjson.dumps(value).decode()
