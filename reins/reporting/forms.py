"""A report as JSON, as a table for a spreadsheet, as Markdown and as columns of a terminal."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from reins.reporting.figures import Line, Report
from reins.spreadsheet import cell
from store.times import iso

_COLUMNS = tuple(each.name for each in fields(Line))
_HEAD = ("", "runs", "ok", "failed", "cancelled", "abandoned", "retries", "success", "wall", "p50",
         "p95", "tokens", "cost")  # fmt: skip
_MINUTE_S, _HOUR_S = 60, 3_600


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON holds it; times in ISO 8601."""
    found = asdict(report)
    found |= {"since": iso(report.since), "until": iso(report.until)}
    return found | {"lines": [asdict(line) for line in report.lines]}


def as_csv(report: Report) -> str:
    """One row a line; what has no value is empty."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for line in report.lines:
        writer.writerow([cell(getattr(line, name)) for name in _COLUMNS])
    return buffer.getvalue()


def as_markdown(report: Report) -> str:
    """A heading, and a table."""
    rows = [_HEAD, *(_cells(line) for line in report.lines)]
    head, *body = (f"| {' | '.join(_in_a_cell(each) for each in row)} |" for row in rows)
    rule = f"| --- |{' ---: |' * (len(_HEAD) - 1)}"
    title = f"# Session {_in_a_cell(report.session_id)}"
    return "\n".join([title, "", f"{_in_a_cell(summary(report))}.", "", head, rule, *body, ""])


def rows_of(report: Report) -> Iterator[tuple[str, ...]]:
    """The head and the lines as cells for people."""
    yield _HEAD
    yield from map(_cells, report.lines)


def summary(report: Report) -> str:
    """The report's session in a line."""
    return (
        f"{report.agent_type}, {report.status}, {report.rows} rows from {iso(report.since)} "
        f"to {iso(report.until)}"
    )


def _cells(line: Line) -> tuple[str, ...]:
    what = " ".join(each for each in (line.kind, line.path, line.name) if each)
    counts = (line.succeeded, line.failed, line.cancelled, line.abandoned, line.retries)
    shown = ("",) * len(counts) if line.kind == "wait" else tuple(map(str, counts))
    return (
        what, str(line.runs), *shown,
        "-" if line.success_rate is None else f"{line.success_rate:.1%}",
        _time(line.wall_s), _time(line.p50_s), _time(line.p95_s),
        str(line.tokens) if line.tokens else "-",
        f"${line.cost_usd:.4f}" if line.cost_usd else "-",
    )  # fmt: skip


def _time(took_s: float | None) -> str:
    if took_s is None:
        return "-"
    if took_s < 1:
        return f"{took_s * 1e3:.3g} ms"
    if took_s < _MINUTE_S:
        return f"{took_s:.3g} s"
    minutes, seconds = divmod(round(took_s), _MINUTE_S)
    if took_s < _HOUR_S:
        return f"{minutes} min {seconds} s"
    return f"{minutes // _MINUTE_S} h {minutes % _MINUTE_S} min"


def _in_a_cell(text: str) -> str:
    """The text as it stands, in a cell of Markdown: a name may hold anything."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|~#" else sign for sign in plain)
