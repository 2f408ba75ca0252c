"""The hits of a search, to take away: JSON lines, or a table for a spreadsheet."""

import csv
import io
from typing import Any, Literal

from flask import Response

from reins import redaction
from reins.spreadsheet import cell
from reins.web.api.context import api_context
from reins.web.api.search import Hit, SearchQuery, api, found_for
from reins.web.http.download import disposition
from reins.web.http.problem import Answers, refusals
from reins.web.http.strict import encoded

_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}


class SearchExportQuery(SearchQuery):
    format: Literal["jsonl", "csv"] = "jsonl"


_EXPORTED: Answers = {
    200: {
        "description": "OK",
        "content": {
            "application/jsonl": {"schema": {"$ref": f"#/components/schemas/{Hit.__name__}"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@api.get("/api/search/export", responses={**_EXPORTED, **refusals(422)})
def export_search(query: SearchExportQuery) -> Response:
    """The hits of a search as a file, the best first."""
    from reins.search.answering import listed  # noqa: PLC0415 - for those who search

    rows = listed(found_for(query), around=query.around, store=api_context().bridge.store)
    write = _as_lines if query.format == "jsonl" else _as_table
    named = disposition("search", query.q or query.like or "newest", query.format)
    return Response(
        write(rows), mimetype=_TYPES[query.format], headers={"Content-Disposition": named}
    )


def _as_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(redaction.redactor().json(encoded(row)) + b"\n" for row in rows)


def _as_table(rows: list[dict[str, Any]]) -> str:
    """Without the rows beside the hits, which have a place in no column."""
    buffer = io.StringIO(newline="")
    names = [name for name in Hit.model_fields if name != "nearby"]
    writer = csv.writer(buffer)
    writer.writerow(names)
    for row in rows:
        asked = {**row, "by": " ".join(row["by"])}
        writer.writerow([cell(asked[name]) for name in names])
    return buffer.getvalue()
