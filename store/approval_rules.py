"""Decisions of people that hold from then on, until they are revoked: rules of approval."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from store.journal.file import Record
from store.journal.rows import own_record
from store.lance.tables import JOURNAL_N, STAMP, TEXT, Table, quoted
from store.reading import Reader, reader

TABLE = Table(
    "approval_rules",
    pa.schema(
        [
            ("rule_id", TEXT),
            ("effect", TEXT),
            ("scope", TEXT),
            ("scope_id", TEXT),
            ("tool", TEXT),
            ("spec", TEXT),
            ("fixed", TEXT),
            ("item_id", TEXT),
            ("created_by", TEXT),
            ("created_at", STAMP),
            ("revoked_by", TEXT),
            ("revoked_at", STAMP),
            ("revoked_action", TEXT),
            JOURNAL_N,
        ]
    ),
    key="rule_id",
    indices={"rule_id": "BTREE"},
)


def record(row: Mapping[str, Any]) -> Record:
    """The journal's record of a rule; times are microseconds since 1970."""
    return own_record(TABLE, row)


def get_rule(rule_id: str, *, store: Reader | None = None) -> dict[str, Any] | None:
    """The newest row of a rule; None if there is none."""
    own = {"rule_id": rule_id}
    rows = (store or reader()).joined(TABLE, own, f"rule_id = {quoted(rule_id)}")
    return rows[-1] if rows else None


def list_rules(
    *,
    revoked: bool = False,
    after: str = "",
    limit: int | None = None,
    store: Reader | None = None,
) -> list[dict[str, Any]]:
    """The rules with an id above `after`, by id: those that hold, or also the revoked ones."""
    found = [
        row
        for row in (store or reader()).newest(TABLE)
        if row["rule_id"] > after and (revoked or row["revoked_at"] is None)
    ]
    return sorted(found, key=lambda row: str(row["rule_id"]))[:limit]
