"""Read-only SQL over the tables, where a setting turns it on."""

import select
import socket
from typing import Annotated, Any, Literal

from flask import Response, request
from pydantic import Field

from reins.sql import catalog
from reins.sql.asking import as_csv
from reins.sql.errors import SqlBusyError, SqlCancelledError, SqlUnavailableError, StatementError
from reins.sql.runner import why_unavailable
from reins.web.api.context import api_context
from reins.web.http.fields import Input, Whole, Words
from reins.web.http.openapi import group
from reins.web.http.problem import Answers, RequestRefusedError, refusals, unfit
from reins.web.views.rows import Wire
from reins.web.views.sql import SqlColumn

api = group("sql", "search")
_MAX_CHARS = 100_000
_OFF, _MISSING, _BUSY, _STOPPING = 403, 501, 429, 503


class SqlQuery(Input):
    format: Annotated[
        Literal["json", "csv"] | None,
        Field(description="default: by the Accept header, else JSON"),
    ] = None


class SqlBody(Input):
    statement: Annotated[Words, Field(max_length=_MAX_CHARS, description="one SELECT")]
    rows: Annotated[
        Annotated[int, Field(ge=1), Whole] | None,
        Field(description="rows at the most; never more than the setting says"),
    ] = None


class SqlTable(Wire):
    name: str
    columns: list[SqlColumn]


class SqlState(Wire):
    """The bounds of statements and the tables; `on` says if any are run here, `why` why not."""

    on: bool
    why: str | None
    limit_s: float
    limit_mb: int
    limit_rows: int
    tables: list[SqlTable]


_RESULT: Answers = {
    200: {
        "description": "OK",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SqlResult"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@api.get("/api/sql", responses={200: SqlState})
def get_sql() -> dict[str, Any]:
    """Say if SQL is on, its bounds, and the tables with their columns."""
    settings = api_context().bridge.settings
    why = why_unavailable(settings)
    return {
        "on": why is None,
        "why": why,
        "limit_s": settings.sql_s,
        "limit_mb": settings.sql_mb,
        "limit_rows": settings.sql_rows,
        "tables": catalog.described(),
    }


@api.post("/api/sql", responses={**_RESULT, **refusals(400, 403, 413, 415, 422, 429, 501, 503)})
def post_sql(query: SqlQuery, body: SqlBody) -> Response | dict[str, Any]:
    """Run one SELECT over all tables. It is given up when the client goes away."""
    context = api_context()
    if context.bridge.settings.sql == "off":
        raise RequestRefusedError(_OFF, why_unavailable(context.bridge.settings) or "SQL is off")
    try:
        found = context.sql.run(body.statement, rows=body.rows, cancelled=_client_has_gone)
    except StatementError as error:
        raise unfit("body.statement", str(error)) from None
    except SqlUnavailableError as error:
        raise RequestRefusedError(_MISSING, str(error)) from None
    except SqlBusyError as error:
        raise RequestRefusedError(_BUSY, str(error), retry_after_s=error.retry_after_s) from None
    except SqlCancelledError as error:
        raise RequestRefusedError(_STOPPING, str(error)) from None
    if not _wants_csv(query):
        return found
    named = {"Content-Disposition": 'attachment; filename="result.csv"'}
    if found["truncated"]:
        named["Reins-Truncated"] = "true"
    return Response(as_csv(found), mimetype="text/csv", headers=named)


def _wants_csv(query: SqlQuery) -> bool:
    if query.format is not None:
        return query.format == "csv"
    wanted = request.accept_mimetypes
    return bool(wanted) and wanted.best_match(["application/json", "text/csv"]) == "text/csv"


def _client_has_gone() -> bool:
    connection = request.environ.get("werkzeug.socket")
    if not isinstance(connection, socket.socket):
        return False  # a test's client has none
    try:
        readable = select.select([connection], [], [], 0)[0]
        # What can be read is the next request, or the end.
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True
