"""Filters that DuckDB hands over, as PyArrow writes them, and what LanceDB gets of them."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from reins.sql.pushdown import usable
from store.agent_steps import TABLE

TIME = pa.scalar(1_700_000_000_000_001, pa.timestamp("us", tz="UTC"))
SESSION = pc.field("session_id") == "s"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (SESSION, "session_id = 's'"),
        (pc.field("seq") >= 3, "seq >= 3"),
        (pc.field("seq") < -3, "seq < -3"),
        (SESSION & (pc.field("seq") > 3), "session_id = 's' AND seq > 3"),
        (
            SESSION & ((pc.field("seq") > 3) & (pc.field("kind") == "tick")),
            "session_id = 's' AND seq > 3 AND kind = 'tick'",
        ),
        (pc.field("session_id") == "it's", "session_id = 'it''s'"),
        (pc.field("session_id") == "a and (b == c)", "session_id = 'a and (b == c)'"),
        (
            pc.field("session_id") == "2023-11-14 22:13:20.000000Z",
            "session_id = '2023-11-14 22:13:20.000000Z'",
        ),
        # What is not known is left out; what is not certain, wholly.
        (SESSION & (pc.field("cost_usd") > 0.5), "session_id = 's'"),
        (SESSION & pc.field("text").is_valid(), "session_id = 's'"),
        (SESSION | (pc.field("seq") > 3), None),
        (~SESSION, None),
        (pc.field("session_id") != "s", None),
        (pc.field("session_id") > "s", None),
        (pc.field("session_id") == 'a "b" and seq > 1', None),
        (pc.field("session_id") == "a\\", None),
        (pc.field("seq").isin([1, 2]), None),
    ],
)
def test_what_is_pushed_down(expression, expected):
    """Of conditions that all must hold those that LanceDB answers alike; every row that fits the
    whole fits them.
    """
    assert usable(str(expression), TABLE.schema) == expected


def test_a_time():
    """To the microsecond, in UTC."""
    found = usable(str(pc.field("created_at") >= TIME), TABLE.schema)
    assert found is not None
    assert "2023-11-14" in found
    assert "000001" in found


def test_a_column_that_is_not_there():
    """It is left to DuckDB."""
    assert usable('(missing == "s")', TABLE.schema) is None
