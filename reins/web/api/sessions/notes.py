"""Remarks that people pin to rows of a session's log."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from agent_core.actions.noting import note_about
from agent_core.actions.payloads import MAX_NOTE
from reins.web.api.accepted import ACCEPTED, accepted
from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.find import api
from reins.web.api.sessions.read import seen
from reins.web.api.sessions.steps import StepPath
from reins.web.http.fields import ActorBody, Digits, Input, Number
from reins.web.http.idempotency import KeyHeader
from reins.web.http.problem import RequestRefusedError, refusals, unfit
from reins.web.views.rows import Wire
from store import notes
from store.times import iso


class NoteBody(ActorBody):
    text: Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]


class NotesQuery(Input):
    cursor: Number = 0
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 1_000


class Note(Wire):
    """A remark about one row of the log, by who made it."""

    note_id: str
    session_id: str
    seq: int
    author: str
    text: str
    created_at: str


class NoteList(Wire):
    """Notes in the order in which they were written."""

    items: list[Note]
    next_cursor: str | None


@api.get("/api/sessions/<segment:session_id>/notes", responses={200: NoteList, **refusals(404)})
def list_session_notes(path: SessionPath, query: NotesQuery) -> dict[str, Any]:
    """Remarks that people have pinned to rows of a session's log."""
    context = api_context()
    found = notes.list_notes(
        path.session_id, query.cursor, query.limit + 1, store=context.bridge.store
    )
    if not found:
        seen(context, path.session_id)
    shown = found[: query.limit]
    more = len(found) > len(shown)
    return {
        "items": [_note(row) for row in shown],
        "next_cursor": str(shown[-1]["journal_n"]) if more else None,
    }


@api.post(
    "/api/sessions/<segment:session_id>/steps/<segment:seq>/notes",
    responses={**ACCEPTED, **refusals(400, 404, 409, 413, 415)},
)
def add_note(path: StepPath, header: KeyHeader, body: NoteBody) -> Response:
    """Pin a remark to a row of the log, also of a session that has ended."""
    context = api_context()

    def make() -> dict[str, Any]:
        if not body.text.strip():
            raise unfit("body.text", "it is blank; expected a remark")
        session = seen(context, path.session_id)
        if path.seq > session["seq"]:
            raise RequestRefusedError(
                404,
                f"the log of {path.session_id} has no row {path.seq}; its newest is "
                f"{session['seq']}",
            )
        return note_about(
            session["agent_id"], body.actor, path.seq, body.text, session_id=path.session_id
        )

    return accepted(context, header, make)


def _note(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "note_id": row["note_id"],
        "session_id": row["session_id"],
        "seq": row["seq"],
        "author": row["author"],
        "text": row["text"],
        "created_at": iso(row["created_at"]),
    }
