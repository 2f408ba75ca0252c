"""The rows of a log that fit a filter, to take away: JSON lines, or a table for a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Literal

from flask import Response

from reins import redaction
from reins.spreadsheet import cell
from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.find import Filter, api, searched
from reins.web.http.download import disposition
from reins.web.http.problem import Answers, refusals
from reins.web.http.strict import encoded
from reins.web.views.rows import LogRow, log_row
from store import agent_steps

_ALL = 1 << 40
_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}
_CELLS = (
    "seq", "step", "kind", "created_at", "by", "text", "error", "latency_ms", "tokens_in",
    "tokens_out", "cost_usd", "status",
)  # fmt: skip


class ExportQuery(Filter):
    format: Literal["jsonl", "csv"] = "jsonl"


_EXPORTED: Answers = {
    200: {
        "description": "OK",
        "content": {
            "application/jsonl": {"schema": {"$ref": f"#/components/schemas/{LogRow.__name__}"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@api.get("/api/sessions/<segment:session_id>/export", responses={**_EXPORTED, **refusals(404)})
def export_session_steps(path: SessionPath, query: ExportQuery) -> Response:
    """The rows that fit, whole, as a file; without a filter all of them."""
    found = searched(path.session_id, query, limit=_ALL)
    rows = agent_steps.steps_at(path.session_id, found.seqs, store=api_context().bridge.store)
    write = _as_lines if query.format == "jsonl" else _as_table
    named = disposition("session", path.session_id, query.format)
    return Response(
        write(log_row(row, brief=False) for row in rows),
        mimetype=_TYPES[query.format],
        headers={"Content-Disposition": named},
    )


def _as_lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield redaction.redactor().json(encoded(row)) + b"\n"


def _as_table(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_CELLS)
    for row in rows:
        asked = {**row, "by": (row["payload"] or {}).get("actor")}
        writer.writerow([cell(asked[name]) for name in _CELLS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
