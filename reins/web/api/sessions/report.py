"""The figures of one session: time, money, rates, retries and waits, by its nodes or tools."""

from typing import Any, Literal

from flask import Response

from reins.reporting import forms
from reins.reporting.reading import session_report
from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import api, seen
from reins.web.http.download import disposition
from reins.web.http.fields import Input
from reins.web.http.problem import Answers, refusals, unknown
from reins.web.http.strict import encoded
from reins.web.views.reports import SessionReport

_TYPES = {"json": "application/json", "csv": "text/csv", "md": "text/markdown"}


class ReportQuery(Input):
    format: Literal["json", "csv", "md"] = "json"


_REPORTED: Answers = {
    200: {
        "description": "OK",
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{SessionReport.__name__}"}
            },
            "text/csv": {"schema": {"type": "string"}},
            "text/markdown": {"schema": {"type": "string"}},
        },
    }
}


@api.get("/api/sessions/<segment:session_id>/report", responses={**_REPORTED, **refusals(404)})
def report_session(path: SessionPath, query: ReportQuery) -> Any:
    """Time, money, success rates, retries and waits of a session, from its log and its calls."""
    report = session_report(path.session_id, store=api_context().bridge.store)
    if report is None:
        seen(api_context(), path.session_id)
        raise unknown("session with a log", path.session_id)
    if query.format == "json":
        return Response(encoded(forms.as_data(report)), mimetype=_TYPES["json"])
    text = forms.as_csv(report) if query.format == "csv" else forms.as_markdown(report)
    named = disposition("report", path.session_id, query.format)
    mimetype = _TYPES[query.format]
    return Response(text, mimetype=mimetype, headers={"Content-Disposition": named})
