"""Facts: each asserted once, and nothing said of one that is not there."""

from collections import Counter
from collections.abc import Iterator

from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from store import facts as table

_COLUMNS = ["op_id", "op", "fact_id"]


def facts_rooted(facts: Facts) -> Iterator[Finding]:
    rows = [found.row for found in facts.snapshot.rows(table.TABLE, _COLUMNS)]
    asserted = {row["fact_id"] for row in rows if row["op"] == "assert"}
    for op_id, times in Counter(row["op_id"] for row in rows).items():
        if times > 1:
            message = f"what was said of a fact is on record {times} times"
            yield Finding("facts_rooted", message, {"op_id": op_id})
    for row in rows:
        if row["fact_id"] and row["fact_id"] not in asserted:
            message = f"a row of kind {row['op']} names a fact that nobody has asserted"
            yield Finding("facts_rooted", message, {"fact_id": row["fact_id"]})
