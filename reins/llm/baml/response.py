"""One attempt's exchange with a server, as BAML's collector saw it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from reins.llm.baml.errors import BamlClientFinishReasonError, BrokenStreamError
from reins.llm.baml.stream_end import NO_ANSWER, Event, StreamEnd, fault_in, finish_reason_in
from reins.llm.limits.retry_after import asked_s
from reins.llm.text import MAX_TEXT_BYTES

MAX_RAW_CHARS = 16 * 1024
HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class WireResponse:
    """All that came over the wire for one attempt, also for one that failed.

    `tokens_in` counts the cached ones too; `counted` says that the provider counted at all.
    `status` is None where no response came. `request` is the body as it was sent. `text` is cut
    where it is too long, and of a stream that failed it is the text so far; `raw` is the same, or
    where there is none at most 16 KiB of what came instead. `fault` is the name that an error event
    in a stream gives itself. `first_text_at` is of time.perf_counter(), and of streams alone.
    """

    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    counted: bool = False
    status: int | None = None
    retry_after_s: float | None = None
    finish_reason: str | None = None
    request: str | None = None
    raw: str = ""
    fault: str | None = None
    first_text_at: float | None = None


NO_RESPONSE = WireResponse()


@dataclass(slots=True)
class Exchange:
    """One attempt over the wire; `attempt` counts over all routes of a call.

    The wire sets `response` when the attempt ends, however it ends, to one that is complete.
    """

    attempt: int = 1
    response: WireResponse = NO_RESPONSE


class Received(Protocol):
    """The text of an attempt so far."""

    text: str
    first_text_at: float | None


@dataclass(slots=True)
class WholeText:
    """The text of an answer that is no stream."""

    text: str = ""
    first_text_at: float | None = None


def unfinished(received: Received, request: str | None) -> WireResponse:
    """The response of an attempt that was given up: the text so far."""
    text = received.text[:MAX_TEXT_BYTES]
    return WireResponse(
        text=text,
        raw=text,
        status=HTTP_OK if text else None,
        request=request,
        first_text_at=received.first_text_at,
    )


def response_of(call: Any, received: Received) -> WireResponse:
    """The response that the collector has seen of a call; `call` is None if none was sent."""
    text = received.text[:MAX_TEXT_BYTES]
    if call is None:
        return WireResponse(text=text, raw=text, first_text_at=received.first_text_at)
    seen: dict[str, Any] = _counted(call)
    if call.http_request is not None:
        seen["request"] = call.http_request.body.text()
    http = call.http_response
    # Where no connection came about, or it broke, BAML makes up a response: 500 or 0, no headers.
    headers = {} if http is None else http.headers  # each look makes a copy
    came = ""
    if http is not None and (headers or http.status not in {0, 500}):
        came = http.body.text()
        seen["status"] = http.status
        seen["retry_after_s"] = asked_s(headers, status=http.status, body=came)
        seen["finish_reason"] = finish_reason_in(came)
    elif events := events_of(call):
        # A stream has no response here, but its events come with 200 alone.
        came = events[-1].text
        seen["status"] = HTTP_OK
        seen["fault"] = fault_in(came)
    return WireResponse(
        text=text, raw=text or came[:MAX_RAW_CHARS], first_text_at=received.first_text_at, **seen
    )


def _counted(call: Any) -> dict[str, Any]:
    usage = call.usage
    if usage is None or usage.input_tokens is None:
        return {}
    cached = usage.cached_input_tokens or 0
    # Anthropic is the only one that leaves the cached ones out.
    left_out = cached if call.provider == "anthropic" else 0
    return {
        "counted": True,
        "tokens_in": (usage.input_tokens or 0) + left_out,
        "tokens_out": usage.output_tokens or 0,
        "tokens_cached": cached,
    }


def events_of(call: Any) -> Sequence[Event]:
    return (call.sse_responses() or []) if hasattr(call, "sse_responses") else []


def with_end(response: WireResponse, end: StreamEnd) -> WireResponse:
    """The response of a stream, with its end, which BAML's collector does not see."""
    return replace(
        response,
        finish_reason=end.finish_reason,
        tokens_out=response.tokens_out if end.tokens_out is None else end.tokens_out,
        fault=end.fault,
    )


def check_end(end: StreamEnd) -> None:
    """Judge the end of a stream, which BAML does not.

    Raises: BrokenStreamError, BamlClientFinishReasonError where it only looks like an answer.
    """
    if end.fault or end.corrupt or not end.complete:
        raise BrokenStreamError(corrupt=bool(end.corrupt))
    if end.finish_reason and end.finish_reason.lower() in NO_ANSWER:
        raise BamlClientFinishReasonError("", "", "", end.finish_reason, "")
