"""Journalled rows that no table takes: kept in a folder, so that they hold up no others."""

from pathlib import Path

import pyarrow as pa
import structlog

from store.journal.arrow import to_arrow
from store.journal.file import Group
from store.lance import damage
from store.lance.damage import JOURNAL, Missing
from store.lance.tables import Table

_logger = structlog.get_logger(__name__)


class Aside:
    """Sets rows aside in `damaged/` of a data folder, and gives back those that are left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = False

    def taken(self) -> bool:
        """True if rows were set aside since this was asked before."""
        taken, self._taken = self._taken, False
        return taken

    def fitting(self, table: Table, groups: list[Group]) -> tuple[list[Group], pa.Table]:
        """The groups without the rows that do not fit the table, and as Arrow."""
        try:
            return groups, to_arrow(table, groups) if groups else table.schema.empty_table()
        except pa.ArrowInvalid:
            rows = (row for group in groups for row in group.lines())
            fitting = []
            for group in (Group(number, 1, table.name, line) for number, line in rows):
                try:
                    to_arrow(table, [group])
                    fitting.append(group)
                except pa.ArrowInvalid as error:
                    self.keep([group], str(error))
            return fitting, to_arrow(table, fitting) if fitting else table.schema.empty_table()

    def whole(self, groups: list[Group]) -> list[Group]:
        """The groups without those that are not what was committed."""
        torn = [group for group in groups if not group.whole]
        if not torn:
            return groups
        why = "it is not what was committed: its checksum does not match"
        self.keep(torn, why)
        lost = [Missing(JOURNAL, group.rows, why, ((group.first, group.last),)) for group in torn]
        damage.keep(self._folder, lost)
        return [group for group in groups if group.whole]

    def keep(self, groups: list[Group], why: str) -> None:
        """Keep these rows aside."""
        self._taken = True
        aside = self._folder / "damaged"
        aside.mkdir(exist_ok=True)
        for group in groups:
            path = aside / f"journal-{group.table}-{group.first}.jsonl"
            path.write_bytes(group.body + b"\n")
            _logger.error("rows set aside", path=str(path), rows=group.rows, why=why[:300])
