"""The log of a session: pages of it, and single rows."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from reins.web.api.context import api_context
from reins.web.api.paths import SessionPath
from reins.web.api.sessions.read import seen
from reins.web.http.fields import MAX_DIGITS, MAX_NUMBER, Digits, Flag, Input, Number
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unknown
from reins.web.views.rows import LogRow, Row, Wire, log_row
from store import agent_steps
from store.reading import Reader

api = group("steps", "log")

_PAGE_BYTES = 8 << 20
"""A page of rows with large snapshots ends sooner; its next_cursor says where."""


_MOST_SEQS = 200


def _numbers(value: str) -> str:
    names = value.split(",") if value else []
    if len(names) > _MOST_SEQS or not all(_is_number(name) for name in names):
        raise ValueError(
            f"{value!r:.40} was given; expected {_MOST_SEQS} numbers of rows at the most, by commas"
        )
    return value


def _is_number(name: str) -> bool:
    return (
        name.isascii()
        and name.isdigit()
        and len(name) <= MAX_DIGITS
        and 1 <= int(name) <= MAX_NUMBER
    )


class StepsQuery(Input):
    after_seq: Number = 0
    limit: Annotated[int, Field(ge=1, le=1_000), Digits] = 100
    brief: Annotated[Flag, Field(description="without snapshots, long texts cut")] = False
    seqs: Annotated[
        str,
        AfterValidator(_numbers),
        Field(
            description=f"these rows alone, {_MOST_SEQS} at the most, their numbers by commas",
            json_schema_extra={"pattern": r"^(\d{1,16}(,\d{1,16})*)?$"},
        ),
    ] = ""


class StepPath(SessionPath):
    seq: Annotated[int, Field(ge=1, le=MAX_NUMBER), Digits]


class StepList(Wire):
    """Rows of a log, oldest first; `next_cursor` is the `after_seq` of the next page."""

    items: list[LogRow]
    next_cursor: str | None


@api.get("/api/sessions/<segment:session_id>/steps", responses={200: StepList, **refusals(404)})
def list_session_steps(path: SessionPath, query: StepsQuery) -> dict[str, Any]:
    """Rows of a session's log after `after_seq`."""
    store = api_context().bridge.store
    if query.seqs:
        return _at(path.session_id, query, store)
    rows = agent_steps.list_steps(path.session_id, query.after_seq, query.limit + 1, store=store)
    if not rows:
        seen(api_context(), path.session_id)
    return _page(rows, query.limit, brief=query.brief)


def _page(rows: Sequence[Row], most: int, *, brief: bool) -> dict[str, Any]:
    shown = list(_within(rows[:most], brief=brief))
    more = len(shown) < len(rows)
    return {
        "items": [log_row(row, brief=brief) for row in shown],
        "next_cursor": str(shown[-1]["seq"]) if more else None,
    }


def _at(session_id: str, query: StepsQuery, store: Reader) -> dict[str, Any]:
    seqs = sorted(set(map(int, query.seqs.split(","))))
    rows = list(agent_steps.steps_at(session_id, seqs, store=store))
    if not rows:
        seen(api_context(), session_id)
    wanted = [row for row in rows if row["seq"] > query.after_seq]
    return _page(wanted, _MOST_SEQS, brief=query.brief)


@api.get(
    "/api/sessions/<segment:session_id>/steps/<segment:seq>",
    responses={200: LogRow, **refusals(404)},
)
def get_session_step(path: StepPath) -> dict[str, Any]:
    """One row of a session's log, with the snapshot after it."""
    rows = agent_steps.list_steps(
        path.session_id, path.seq - 1, 1, store=api_context().bridge.store
    )
    if not rows or rows[0]["seq"] != path.seq:
        seen(api_context(), path.session_id)
        raise unknown(f"row in the log of {path.session_id!r} with seq", str(path.seq))
    return log_row(rows[0], brief=False)


def _within(rows: Iterable[Row], *, brief: bool) -> Iterable[Row]:
    """The first row, and what comes after it as long as a page may be."""
    size_bytes = 0
    for row in rows:
        before, size_bytes = size_bytes, size_bytes + len(row["text"])
        size_bytes += 0 if brief else len(row["state"])
        if before and size_bytes > _PAGE_BYTES:
            return
        yield row
