"""The tables that statements may read, with their columns."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.lance.tables import STAMP, Table
from store.store import TABLES

_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    STAMP: "TIMESTAMP WITH TIME ZONE",
}


def tables() -> dict[str, Table]:
    """All tables of a data folder, by name. None of their columns holds a secret: keys and tokens
    stand in settings and files, and a row is stored without those that Reins knows.
    """
    return {table.name: table for table in TABLES}


def described() -> list[dict[str, Any]]:
    """The tables and their columns, with the types that SQL has for them."""
    return [
        {
            "name": table.name,
            "columns": [
                {"name": field.name, "type": _TYPES.get(field.type, str(field.type).upper())}
                for field in table.schema
            ],
        }
        for table in TABLES
    ]
