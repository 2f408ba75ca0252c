"""A statement, checked before it is run: one SELECT, over our tables, with harmless functions."""

import re
from collections.abc import Collection, Iterator
from typing import Any

import duckdb
import orjson

from reins.sql.errors import StatementError

MAX_CHARS = 100_000
_SOURCES = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree"})
"""Table functions that read nothing but what they are given. All others are refused: among them are
those that read files, run other texts as SQL, or take addresses in memory."""
_REFUSED = frozenset({"getenv", "write_log", "current_setting", "getvariable"})
_OWN_SCHEMA = ("memory", "main")
_OWN_NAME = re.compile(r"(?!duckdb_|pragma_|pg_|sqlite_)\w+")
"""A name for a part of a statement, by which nothing else could be read: neither a file nor a view
of DuckDB's own."""


def checked(connection: duckdb.DuckDBPyConnection, text: str, tables: Collection[str]) -> str:
    """The one statement in the text. Nothing is bound or opened. Raises: StatementError."""
    if len(text) > MAX_CHARS:
        raise StatementError(
            f"the statement has {len(text):,} characters; at most {MAX_CHARS:,} are taken"
        )
    if "\0" in text:
        raise StatementError("the statement has a NUL character; take it out")
    found = _statements(connection, text)
    if len(found) != 1:
        what = f"{len(found)} statements were given" if found else "there is no statement"
        raise StatementError(f"{what}; write exactly one SELECT")
    statement = found[0]
    kind = _kind(statement)
    if kind != "SELECT":
        raise StatementError(f"this is {kind}; only SELECT is taken, since SQL here only reads")
    _check_tree(_tree(connection, text), {name.casefold() for name in tables})
    return str(statement.query)


def _statements(connection: duckdb.DuckDBPyConnection, text: str) -> list[Any]:
    try:
        return list(connection.extract_statements(text))
    except duckdb.Error as error:
        raise StatementError(str(error)) from None


def _kind(statement: Any) -> str:
    try:
        return str(statement.type.name).replace("_", " ")
    except ValueError:  # newer than the names that DuckDB has for Python
        return "no SELECT"


def _tree(connection: duckdb.DuckDBPyConnection, text: str) -> Any:
    """The statement as parsed. It alone names what will be read."""
    try:
        rows = connection.execute("SELECT json_serialize_sql($1)", [text]).fetchall()
    except duckdb.Error as error:
        raise StatementError(str(error)) from None
    found = orjson.loads(rows[0][0])
    if found["error"]:
        raise StatementError(f"the statement is not taken: {found['error_message']}")
    return found["statements"]


def _check_tree(tree: Any, tables: Collection[str]) -> None:
    nodes = list(_nodes(tree))
    own = {each["key"].casefold() for node in nodes for each in _common_tables(node)}
    if strange := [name for name in own if not _OWN_NAME.fullmatch(name)]:
        raise StatementError(
            f"WITH {strange[0]!r:.200}: expected a name of letters, digits and _ that does not "
            "begin like a view of DuckDB's (duckdb_, pragma_, pg_, sqlite_)"
        )
    for node in nodes:
        match node.get("type"):
            case "BASE_TABLE":
                _check_table(node, tables, own)
            case "TABLE_FUNCTION":
                _check_function(_name(node.get("function", {})))
            case "FUNCTION" if _name(node) in _REFUSED:
                raise StatementError(f"the function {_name(node)}() is not taken here")


def _check_table(node: dict[str, Any], tables: Collection[str], own: Collection[str]) -> None:
    *schema, name = [str(part).casefold() for part in node["qualified_name"]["path"]]
    if not schema and name in own:
        return
    if name not in tables or (schema and tuple(schema) not in (_OWN_SCHEMA, _OWN_SCHEMA[1:])):
        given = ".".join(map(str, node["qualified_name"]["path"]))
        raise StatementError(
            f"there is no table {given!r:.200}; there are {', '.join(sorted(tables))}"
        )


def _check_function(name: str) -> None:
    if name not in _SOURCES:
        raise StatementError(
            f"{name!r:.200} cannot be read from; expected one of the tables, or "
            f"{', '.join(f'{each}()' for each in sorted(_SOURCES))}"
        )


def _name(function: dict[str, Any]) -> str:
    path = function.get("qualified_name", {}).get("path") or [function.get("function_name", "")]
    return str(path[-1]).casefold()


def _common_tables(node: dict[str, Any]) -> Any:
    cte_map = node.get("cte_map")
    return cte_map.get("map", ()) if isinstance(cte_map, dict) else ()


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in it; without recursion, which a deep statement could exhaust."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo += node.values()
        elif isinstance(node, list):
            todo += node
