"""A data folder that a test breaks, past everything that keeps it whole."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from store.lance.tables import connect


class Breakable:
    """A copy of a folder, changed through LanceDB and SQLite themselves."""

    def __init__(self, whole: Path, to: Path) -> None:
        shutil.copytree(whole, to)
        self.path = to
        self.db = connect(to)

    def rows(self, table: str, where: str = "true") -> list[dict[str, Any]]:
        """In the order of their numbers."""
        found = self.db.open_table(table).search().where(where).limit(None).to_arrow().to_pylist()
        return sorted(found, key=lambda row: row.get("journal_n") or 0)

    def row(self, table: str, where: str = "true") -> dict[str, Any]:
        return self.rows(table, where)[0]

    def delete(self, table: str, row: dict[str, Any]) -> None:
        self.db.open_table(table).delete(_same(row))

    def add(self, table: str, row: dict[str, Any], **values: Any) -> None:
        self.db.open_table(table).add([{**row, **values}])

    def put(self, table: str, row: dict[str, Any], **values: Any) -> None:
        """The row with other values in its place."""
        self.delete(table, row)
        self.add(table, row, **values)

    def ticks(self, session_id: str) -> list[dict[str, Any]]:
        where = f"session_id = '{session_id}' AND kind = 'tick'"
        return self.rows("agent_steps", where)

    def snapshot(self, step: dict[str, Any], **values: Any) -> None:
        """A row of the log with other values in its snapshot."""
        state = {**orjson.loads(step["state"]), **values}
        self.put("agent_steps", step, state=orjson.dumps(state).decode())

    def sql(self, statement: str, *values: Any) -> list[Any]:
        connection = sqlite3.connect(self.path / "journal.sqlite", isolation_level=None)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def next_number(self) -> int:
        """Given out as if its row had been flushed."""
        self.sql("UPDATE position SET flushed = flushed + 1")
        [(number,)] = self.sql("SELECT flushed FROM position")
        return int(number)

    def zero(self, files: str) -> None:
        """Zeros in the place of what is in these files."""
        for path in self.path.glob(files):
            path.write_bytes(bytes(path.stat().st_size))

    def flip(self, path: Path, place: int) -> None:
        """One bit of a file."""
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)


def _same(row: dict[str, Any]) -> str:
    names = [name for name in ("journal_n", "action_id", "session_id") if row.get(name) is not None]
    parts = [f"{name} = {row[name]!r}" for name in names]
    return " AND ".join(parts)
