"""One attempt's exchange with a server, as BAML's collector saw it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from reins.llm.answers.faults import Fault
from reins.llm.answers.reading import NO_ANSWER, Event, Reading, read_body
from reins.llm.answers.thoughts import part
from reins.llm.baml.errors import (
    BamlClientFinishReasonError,
    BamlError,
    BrokenStreamError,
    FaultError,
    TooLongError,
    UnusableError,
)
from reins.llm.text import MAX_TEXT_BYTES, is_too_long

MAX_RAW_CHARS = 16 * 1024
HTTP_OK = 200
HTTP_ELSEWHERE = 300


@dataclass(frozen=True, slots=True)
class WireResponse:
    """All that came over the wire for one attempt, also for one that failed.

    `tokens_in` counts the cached ones too; `counted` says that the provider counted at all.
    `status` is None where no response came. `request` is the body as it was sent. `text` is the
    answer without the `thought` before it, cut where it is too long, and of a stream that failed
    the text so far; `raw` is the same, or where there is none at most 16 KiB of what came instead,
    which `came` names. `fault` is an error that came in spite of the status. `first_text_at` is of
    time.perf_counter(), and of streams alone.
    """

    text: str = ""
    thought: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    counted: bool = False
    status: int | None = None
    retry_after: str | None = None
    finish_reason: str | None = None
    request: str | None = None
    raw: str = ""
    came: str = ""
    fault: Fault | None = None
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
    parted = part(received.text)
    text = parted.answer[:MAX_TEXT_BYTES]
    return WireResponse(
        text=text,
        thought=parted.thought,
        raw=text,
        status=HTTP_OK if received.text else None,
        request=request,
        first_text_at=received.first_text_at,
    )


def response_of(call: Any, received: Received) -> tuple[WireResponse, Reading | None]:
    """The response that the collector has seen of a call, and what a plain one holds.

    `call` is None if none was sent.
    """
    text = received.text[:MAX_TEXT_BYTES]
    if call is None:
        return WireResponse(text=text, raw=text, first_text_at=received.first_text_at), None
    seen: dict[str, Any] = _counted(call)
    if call.http_request is not None:
        seen["request"] = call.http_request.body.text()
    http = call.http_response
    # Where no connection came about, or it broke, BAML makes up a response: 500 or 0, no headers.
    headers = {} if http is None else http.headers  # each look makes a copy
    came, reading = "", None
    if http is not None and (headers or http.status not in {0, 500}):
        came = http.body.text()
        seen["status"] = http.status
        seen["retry_after"] = headers.get("retry-after")
        if HTTP_OK <= http.status < HTTP_ELSEWHERE:
            reading = read_body(came)
    elif events := events_of(call):
        # A stream has no response here, but its events come with 200 alone.
        came = events[-1].text
        seen["status"] = HTTP_OK
    response = WireResponse(
        text=text, raw=text or came[:MAX_RAW_CHARS], first_text_at=received.first_text_at, **seen
    )
    return (response if reading is None else with_reading(response, reading)), reading


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


def with_reading(response: WireResponse, reading: Reading) -> WireResponse:
    """The response with what was read of it, of which BAML sees only a part."""
    text = reading.answer[:MAX_TEXT_BYTES]
    response = replace(
        response,
        text=text if reading.is_known else response.text,
        raw=text or response.raw,
        thought=reading.thought,
        finish_reason=reading.finish_reason,
        came=reading.came,
        fault=reading.fault,
    )
    sent, answered = reading.counted.tokens_in, reading.counted.tokens_out
    if response.counted:
        return response if answered is None else replace(response, tokens_out=answered)
    return replace(
        response,
        counted=sent is not None and answered is not None,
        tokens_in=sent or 0,
        tokens_out=answered or 0,
    )


def checked(reading: Reading, failed: BamlError | None, *, streamed: bool) -> str:
    """The answer's text, without its thought. BAML's failure counts where none was read.

    Raises: BamlError of some kind where it only looks like an answer, or is none.
    """
    if reading.fault is not None:
        raise FaultError
    if failed is not None and not reading.is_known:
        raise failed
    if streamed and (reading.corrupt or not reading.complete):
        raise failed if failed is not None else BrokenStreamError(corrupt=bool(reading.corrupt))
    if reading.finish_reason and reading.finish_reason.lower() in NO_ANSWER:
        raise BamlClientFinishReasonError("", "", "", reading.finish_reason, "")
    if reading.answer.strip():
        if is_too_long(reading.answer.strip()):
            raise TooLongError
        return reading.answer
    if any(reading.content.refusal):
        raise UnusableError("refused", "it refused to answer")
    raise UnusableError("empty", reading.lack)
