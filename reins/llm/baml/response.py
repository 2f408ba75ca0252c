"""The response to one attempt, as BAML's collector saw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reins.llm.baml.stream_end import Event, fault_in, finish_reason_in

MAX_RAW_CHARS = 16 * 1024
HTTP_OK = 200


@dataclass(slots=True)
class WireResponse:
    """All that came over the wire for one attempt, also for one that failed.

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


def fill(response: WireResponse, call: Any) -> None:
    """Fill in the collector's view of a call."""
    response.raw = response.text
    if call is None:
        return
    _count(response, call)
    if call.http_request is not None:
        response.request = call.http_request.body.text()
    http = call.http_response
    # Where no connection came about, or it broke, BAML makes up a response: 500 or 0, no headers.
    headers = {} if http is None else http.headers  # each look makes a copy
    if http is not None and (headers or http.status not in {0, 500}):
        response.status = http.status
        response.retry_after = headers.get("retry-after")
        body = http.body.text()
        response.finish_reason = finish_reason_in(body)
        response.raw = response.raw or body[:MAX_RAW_CHARS]
    elif events := events_of(call):
        # A stream has no response here, but its events come with 200 alone.
        last = events[-1].text
        response.status = HTTP_OK
        response.fault = fault_in(last)
        response.raw = response.raw or last[:MAX_RAW_CHARS]


def _count(response: WireResponse, call: Any) -> None:
    usage = call.usage
    response.counted = usage is not None and usage.input_tokens is not None
    if not response.counted:
        return
    response.tokens_in = usage.input_tokens or 0
    response.tokens_out = usage.output_tokens or 0
    response.tokens_cached = usage.cached_input_tokens or 0
    if call.provider == "anthropic":  # the only one that leaves them out
        response.tokens_in += response.tokens_cached


def events_of(call: Any) -> Sequence[Event]:
    return (call.sse_responses() or []) if hasattr(call, "sse_responses") else []
