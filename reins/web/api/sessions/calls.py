"""Model calls of a session: the attempts that led to a row of its log, with prompt and answer."""

from typing import Any

from reins.web.api.context import api_context
from reins.web.api.sessions.read import seen
from reins.web.api.sessions.steps import StepPath
from reins.web.http.openapi import group
from reins.web.http.problem import refusals, unknown
from reins.web.views.prompts import Prompt, prompt_of
from reins.web.views.rows import Row, Wire
from store import agent_steps, model_calls
from store.times import iso

api = group("calls", "log")

_MOST = 200
_CUT_ANSWER = 100_000  # characters


class ModelCall(Wire):
    """One attempt at one call of a model.

    `first_token_ms` (of streams alone) and `latency_ms` count from `sent_at`, which is null where
    it never got its place. Tokens are the provider's count, or an estimate where `estimated`.
    `prompt` and `answer` are null where prompts are not recorded; `cut`: the answer was shortened.
    `thought` is what the model thought before it answered, if that was told.
    """

    call_id: str
    function: str
    route: str
    provider: str
    model: str
    attempt: int
    streamed: bool
    demonstration: bool
    queued_at: str
    sent_at: str | None
    first_token_ms: float | None
    latency_ms: float | None
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    estimated: bool
    cost_usd: float
    finish_reason: str | None
    status: int | None
    error_kind: str | None
    error: str | None
    prompt: Prompt | None
    answer: str | None
    cut: bool
    thought: str | None


class ModelCallList(Wire):
    """Attempts, in the order in which they were made; no more than 200."""

    items: list[ModelCall]
    next_cursor: None


@api.get(
    "/api/sessions/<segment:session_id>/steps/<segment:seq>/calls",
    responses={200: ModelCallList, **refusals(404)},
)
def list_step_calls(path: StepPath) -> dict[str, Any]:
    """The calls of models that led to a row of a session's log."""
    store = api_context().bridge.store
    found = model_calls.list_calls(path.session_id, seq=path.seq, limit=_MOST, store=store)
    if not found and not agent_steps.list_steps(path.session_id, path.seq - 1, 1, store=store):
        seen(api_context(), path.session_id)
        raise unknown(f"row in the log of {path.session_id!r} with seq", str(path.seq))
    return {"items": [_call_row(row) for row in found], "next_cursor": None}


def _call_row(row: Row) -> dict[str, Any]:
    """A row of `model_calls` in the shape of `ModelCall`."""
    request, answer, thought = row["request"], row["answer"], row.get("thought")
    own = {name: row[name] for name in ModelCall.model_fields if name in row}
    return own | {
        "queued_at": iso(row["queued_at"]),
        "sent_at": iso(row["sent_at"]),
        "prompt": None if request is None else prompt_of(request),
        "answer": None if answer is None else answer[:_CUT_ANSWER],
        "cut": answer is not None and len(answer) > _CUT_ANSWER,
        "thought": None if thought is None else thought[:_CUT_ANSWER],
    }
