"""What came back over the wire for one attempt, as BAML's collector saw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reins.llm.baml.stream_end import Event, fault_in, finish_reason_in

MAX_RAW_CHARS = 16 * 1024
HTTP_OK = 200


@dataclass(slots=True)
class Answer:
    """What came back over the wire for one attempt, filled in also when it failed.

    `tokens_in` counts the cached ones too; `counted` says that the provider counted at all.
    `status` is None where no response came. `request` is the body as it was sent. `text` is cut
    where it is too long, and of a stream that failed it is the text so far; `raw` is the same, or
    where there is none at most 16 KiB of what came instead. `fault` is what an error event in a
    stream calls itself. `first_text_at` is of time.perf_counter(), and of streams alone.
    """

    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    counted: bool = False
    status: int | None = None
    retry_after: str | None = None
    finish_reason: str | None = None
    request: str | None = None
    raw: str = ""
    fault: str | None = None
    first_text_at: float | None = None


def fill(answer: Answer, call: Any) -> None:
    """Fill in what was seen of a call."""
    answer.raw = answer.text
    if call is None:
        return
    _count(answer, call)
    if call.http_request is not None:
        answer.request = call.http_request.body.text()
    response = call.http_response
    # Where no connection came about, or it broke, BAML makes up a response: 500 or 0, no headers.
    headers = {} if response is None else response.headers  # each look makes a copy
    if response is not None and (headers or response.status not in {0, 500}):
        answer.status = response.status
        answer.retry_after = headers.get("retry-after")
        body = response.body.text()
        answer.finish_reason = finish_reason_in(body)
        answer.raw = answer.raw or body[:MAX_RAW_CHARS]
    elif events := events_of(call):
        # A stream has no response here, but its events come with 200 alone.
        last = events[-1].text
        answer.status = HTTP_OK
        answer.fault = fault_in(last)
        answer.raw = answer.raw or last[:MAX_RAW_CHARS]


def _count(answer: Answer, call: Any) -> None:
    usage = call.usage
    answer.counted = usage is not None and usage.input_tokens is not None
    if not answer.counted:
        return
    answer.tokens_in = usage.input_tokens or 0
    answer.tokens_out = usage.output_tokens or 0
    answer.tokens_cached = usage.cached_input_tokens or 0
    if call.provider == "anthropic":  # the only one that leaves them out
        answer.tokens_in += answer.tokens_cached


def events_of(call: Any) -> Sequence[Event]:
    return (call.sse_responses() or []) if hasattr(call, "sse_responses") else []
