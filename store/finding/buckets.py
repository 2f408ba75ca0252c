"""A log parted into equal pieces, of its time or of its rows."""

from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

Axis = Literal["time", "seq"]


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a log reaches, both ends included: microseconds since 1970, or seqs."""

    axis: Axis
    begin: int
    end: int

    @classmethod
    def of(cls, rows: pa.Table, axis: Axis) -> "Span | None":
        """That of a whole log; None without rows."""
        if not len(rows):
            return None
        ends = pc.min_max(places(rows, axis)).as_py()
        return cls(axis, ends["min"], ends["max"])


def places(rows: pa.Table, axis: Axis) -> pa.ChunkedArray:
    """Each row's place on the axis."""
    return rows["seq"] if axis == "seq" else rows["created_at"].cast(pa.int64())


def numbered(rows: pa.Table, span: Span, buckets: int) -> pa.ChunkedArray:
    """The number of the bucket that each row lies in, from 0."""
    away = pc.subtract(places(rows, span.axis), span.begin).cast(pa.float64())
    part = pc.multiply(away, buckets / (span.end - span.begin + 1))
    found = pc.floor(part).cast(pa.int32())
    return pc.max_element_wise(pc.min_element_wise(found, buckets - 1), 0)


def summed(rows: pa.Table, by: pa.ChunkedArray, **columns: Any) -> list[dict[str, Any]]:
    """For each number in `by`: the sums of these columns, and the least `seq`, in that order."""
    names = {"seq": rows["seq"], "bucket": by, **columns}
    table = pa.table(names)
    sums = [(name, "sum") for name in columns]
    found = table.group_by("bucket").aggregate([("seq", "min"), *sums]).sort_by("bucket")
    found = found.rename_columns([name.removesuffix("_sum") for name in found.column_names])
    sums_found: list[dict[str, Any]] = found.to_pylist()
    return sums_found
