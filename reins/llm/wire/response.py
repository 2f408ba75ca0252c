"""One attempt's exchange with a server, as it goes on record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reins.llm.answers.faults import Fault
from reins.llm.limits.retry_after import asked_s
from reins.llm.text import MAX_TEXT_BYTES
from reins.llm.wire.answer import Answer
from reins.llm.wire.usage import MAX_TOKENS

MAX_RAW_CHARS = 16 * 1024
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class WireResponse:
    """All that came over the wire for one attempt, also for one that failed.

    `tokens_in` counts the cached ones too; `counted` says that the provider counted at all.
    `status` is None where no response came. `request` is the body as it was sent. `text` is the
    answer without the `thought` before it, cut where it is too long, and of a stream that failed
    the text so far; `raw` is the same, or where there is none at most 16 KiB of what came instead,
    which `stray` names. `fault` is an error that came in spite of the status. `first_text_at` is of
    time.perf_counter(), and of streams alone.
    """

    text: str = ""
    thought: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    counted: bool = False
    status: int | None = None
    retry_after_s: float | None = None
    finish_reason: str | None = None
    request: str | None = None
    raw: str = ""
    stray: str = ""
    fault: Fault | None = None
    first_text_at: float | None = None


NO_RESPONSE = WireResponse()


@dataclass(slots=True)
class Exchange:
    """One attempt over the wire; `attempt` counts over all routes of a call.

    The wire sets `response` when the attempt ends, however it ends, to one that is complete.
    `option` names the option of the route for which the request has a `response_format`.
    """

    attempt: int = 1
    option: str = ""
    response: WireResponse = NO_RESPONSE


@dataclass(slots=True)
class Received:
    """All that has come of one attempt so far; `came` are the newest bytes that were no text."""

    request: str
    answer: Answer = field(default_factory=Answer)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    came: bytes = b""
    first_text_at: float | None = None
    given: str = ""
    """The text so far, as it was handed on."""

    def response(self) -> WireResponse:
        answer, usage = self.answer, self.answer.usage
        text = answer.text[:MAX_TEXT_BYTES]
        came = self.came[: 4 * MAX_RAW_CHARS].decode(errors="replace")[:MAX_RAW_CHARS]
        after_s = None
        if self.status is not None and (self.status >= BAD_REQUEST or answer.fault):
            after_s = asked_s(self.headers, status=self.status, body=came)
        sent = min(usage.sent or 0, MAX_TOKENS)
        return WireResponse(
            text=text,
            thought=answer.thought,
            tokens_in=sent,
            tokens_out=usage.answered or 0,
            tokens_cached=min(usage.cached or 0, sent),
            counted=usage.is_known,
            status=self.status,
            retry_after_s=after_s,
            finish_reason=answer.finish_reason,
            request=self.request,
            raw=text or came,
            stray=answer.stray,
            fault=answer.fault,
            first_text_at=self.first_text_at,
        )
