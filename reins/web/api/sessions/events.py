"""A session's log as server-sent events: what there is, then what comes."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

from flask import Response
from pydantic import BaseModel, Field

from reins import redaction
from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import seen
from reins.web.http.fields import Input, Number
from reins.web.http.openapi import group
from reins.web.http.problem import Answers, RequestRefusedError, refusals
from reins.web.http.strict import encoded
from reins.web.live.sse import Streams
from reins.web.views.rows import log_row
from store import agent_steps
from store.reading import Reader

api = group("events", "log")

MAX_STREAMS = 100
_PAGE = 500  # rows
_TURN_S = 1.0
"""An end of the service is noticed after as long."""
_SILENCE_S = 10.0
"""A reader that has gone is found out by a comment written this often."""
_RETRY_S = 5
_STREAM: Answers = {
    200: {"description": "OK", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


class EventsQuery(Input):
    after_seq: Number = 0


class EventsHeader(BaseModel):
    last_event_id: Annotated[
        Number | None, Field(alias="Last-Event-ID", description="goes before after_seq")
    ] = None


@api.get(
    "/api/sessions/<segment:session_id>/events",
    responses={**_STREAM, **refusals(404)},
)
def stream_session_events(path: SessionPath, query: EventsQuery, header: EventsHeader) -> Response:
    """The log as events: `event: log`, `id` its seq, `data` a LogRow without its snapshot."""
    context = api_context()
    seen(context, path.session_id)
    if len(context.streams) >= MAX_STREAMS:
        raise RequestRefusedError(
            503,
            f"{MAX_STREAMS} streams are open; close one, or read /steps?after_seq= instead",
            retry_after_s=_RETRY_S,
        )
    after = query.after_seq if header.last_event_id is None else header.last_event_id
    events = _events(context.bridge.store, context.streams, path.session_id, after)
    return Response(events, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _events(store: Reader, streams: Streams, session_id: str, after: int) -> Iterator[bytes]:
    yield b"retry: 1000\n\n"
    with streams.open(session_id) as stream:
        last, wrote_at = after, time.monotonic()
        for row in _missed(store, session_id, last, None):
            last = row["seq"]
            yield _event(row)
        while not streams.ended.is_set():
            for row in stream.take(_TURN_S):
                # A gap: this reader was too slow, or more was written than is kept for it.
                for each in (*_missed(store, session_id, last, row["seq"]), row):
                    if each["seq"] > last:
                        last, wrote_at = each["seq"], time.monotonic()
                        yield _event(each)
            if time.monotonic() - wrote_at >= _SILENCE_S - _TURN_S:
                wrote_at = time.monotonic()
                yield b": still here\n\n"


def _missed(
    store: Reader, session_id: str, last: int, before: int | None
) -> Iterator[dict[str, Any]]:
    """Rows of the log above `last` and, if it is given, below `before`."""
    while before is None or before > last + 1:
        limit = _PAGE if before is None else min(_PAGE, before - last - 1)
        rows = agent_steps.list_steps(session_id, last, limit, store=store)
        if not rows:
            return
        for row in rows:
            yield log_row(row, brief=True)
        last = rows[-1]["seq"]


def _event(row: dict[str, Any]) -> bytes:
    data = redaction.redactor().json(encoded(row))
    return b"id: %d\nevent: log\ndata: %b\n\n" % (row["seq"], data)
