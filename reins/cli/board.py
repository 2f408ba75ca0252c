"""`reins board`: values by key that agents and people share."""

import json

import click

import queue_imp
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from reins.cli.steer import acting, answer, parsed
from store import kv

_COLUMNS = 80


@click.group("board", help="values by key that agents and people share: list, get, put, delete")
def board() -> None:
    """The verbs stand below."""


_board = click.argument("board_name", metavar="BOARD")
_key = click.argument("key")
_expect = click.option("--expect", type=int, help="the version that must be there, 0 for none")


@click.command("list", cls=FolderCommand, help="the values of a board, or all boards")
@data_option
@click.argument("board_name", metavar="[BOARD]", required=False)
def list_(*, board_name: str | None) -> None:
    if board_name is None:
        for name, keys in kv.list_boards().items():
            print(f"{name}  {keys} keys")
        return
    for row in kv.list_values(board_name):
        value = terminal.shown(json.dumps(row["value"], ensure_ascii=False))
        key = terminal.shown(row["key"])
        print(f"{key}  {terminal.cut(value, _COLUMNS)}  #{row['version']}")


@click.command("get", cls=FolderCommand, help="the value of a key, with its version")
@data_option
@_board
@_key
def get(*, board_name: str, key: str) -> None:
    row = queue_imp.board_get(board_name, key)
    if row is None:
        raise ValueError(f"board {board_name} has no key {key!r}; see reins board list")
    print_json({"value": row["value"], "version": row["version"], "by": row["written_by"]})


@acting("put", "give a key a value: JSON, or a text")
@_board
@_key
@click.argument("value")
@_expect
def put(
    *, board_name: str, key: str, value: str, actor: str, wait: float | None, expect: int | None
) -> None:
    given = parsed(value, "value") if value[:1] in ("{", "[", '"') else _plain(value)
    answer(queue_imp.board_put(board_name, key, actor, given, expect=expect), wait_s=wait)


@acting("delete", "take a key away")
@_board
@_key
@_expect
def delete(
    *, board_name: str, key: str, actor: str, wait: float | None, expect: int | None
) -> None:
    answer(queue_imp.board_delete(board_name, key, actor, expect=expect), wait_s=wait)


def _plain(text: str) -> object:
    """A number, true or false as such; anything else is a text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text if found is None else found


for verb in (list_, get, put, delete):
    board.add_command(verb)
