"""A result as pandas has it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = frozenset({
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT",
})  # fmt: skip
_BROKEN = ("FLOAT", "DOUBLE", "DECIMAL")
_INT64 = 1 << 63


def as_frame(found: Mapping[str, Any]) -> "pd.DataFrame":
    """A result as a DataFrame: numbers, truths and times in columns of their kinds, the rest as it
    is; `attrs` has `truncated` and `elapsed_ms`.
    """
    import pandas as pd  # noqa: PLC0415 - half a second that only this function needs

    rows = found["rows"]
    # By number first: a result may have two columns of one name.
    frame = pd.DataFrame({
        at: _column([row[at] for row in rows], column["type"])
        for at, column in enumerate(found["columns"])
    })  # fmt: skip
    frame.columns = pd.Index([column["name"] for column in found["columns"]])
    frame.attrs |= {name: found[name] for name in ("truncated", "elapsed_ms")}
    return frame


def _column(values: list[Any], kind: str) -> "pd.Series[Any]":
    import pandas as pd  # noqa: PLC0415

    if kind in _WHOLE:
        numbers = [None if value is None else int(value) for value in values]
        fits = all(n is None or -_INT64 <= n < _INT64 for n in numbers)
        return pd.Series(numbers, dtype="Int64" if fits else object)
    if kind.startswith(_BROKEN) and not kind.endswith("]"):
        return pd.Series(_each(float, values), dtype="float64")
    if kind == "BOOLEAN":
        return pd.Series(values, dtype="boolean")
    if kind.startswith("TIMESTAMP") and not kind.endswith("]"):
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601")
    return pd.Series(values, dtype=object)


def _each(make: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    return [None if value is None else make(value) for value in values]
