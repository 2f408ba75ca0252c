"""From the error of an attempt to one ModelError, which quotes neither prompt nor answer."""

import re
from dataclasses import replace
from http import HTTPStatus

from reins.llm.answers.faults import Fault, fault_in
from reins.llm.errors import Kind, ModelError
from reins.llm.settings import Route
from reins.llm.text import MAX_TEXT_BYTES
from reins.llm.tokens import tokens_of
from reins.llm.wire.context_length import ContextLength, context_length_in
from reins.llm.wire.errors import (
    BrokenStreamError,
    FaultError,
    FinishReasonError,
    NoStreamError,
    NoTextError,
    StatusError,
    TooLongError,
    UnconnectedError,
    WireError,
)
from reins.llm.wire.fault_words import BY_COMMON_NAME, BY_NAME, BY_WORDS, SEPARATORS
from reins.llm.wire.json_text import loads
from reins.llm.wire.response import WireResponse

ADVICE: dict[Kind, str] = {
    "rate_limited": "Wait, run fewer sessions, or raise the account's limit.",
    "overloaded": "The provider is overloaded; try again later.",
    "server": "The fault is the provider's; try again later.",
    "unreachable": "Check that the server runs, the address and the network.",
    "timeout": "Try again later, or choose a quicker model or a longer deadline.",
    "auth": "Check the key, its rights and the account's credit.",
    "bad_request": "Check the model's name and whether it suits the prompt.",
    "not_found": "Check the model's name and the address (it usually ends in /v1).",
    "garbage": "The answer is not a model's; check that the address is.",
    "refused": "The provider's safety filter stopped the answer; change the subject.",
    "truncated": "The answer was cut off at its limit of tokens; ask for less.",
    "context_too_long": "Send less (for a persona, set a lower context_tokens), or take a model "
    "with a longer context.",
    "too_long": "Ask for less text.",
    "empty": "The model gave no text; try again, or another model.",
    "unfit": "Try again, another model, or a simpler type.",
    "circuit_open": "It failed several times in a row, so calls to it are paused; try again later.",
}
RETRYABLE: frozenset[Kind] = frozenset(
    {
        "rate_limited",
        "overloaded",
        "server",
        "unreachable",
        "timeout",
        "garbage",
        "empty",
        "unfit",
        "circuit_open",
    }
)
BY_STATUS: dict[int, Kind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "overloaded",
    425: "overloaded",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
QUOTA_SPENT = "insufficient_quota"
TOLD = re.compile(
    r"the prompt of about (\d+) tokens is longer than the model's context(?: of (\d+) tokens)?"
)
OF_FORMAT = "to a request with response_format"
FORMAT_WORDS = re.compile(r"response.?format|json.?schema|grammar", re.IGNORECASE)
LENGTHS = re.compile(r'"n_(?:ctx|prompt_tokens)"\s*:\s*[0-9]+')
"""Fields in which llama.cpp tells them."""

CUT_OFF = {"length", "max_tokens", "model_context_window_exceeded", "model_length"}


def failure(
    kind: Kind,
    route: Route,
    what: str,
    *,
    retryable: bool | None = None,
    after_s: float | None = None,
    advice: str | None = None,
) -> ModelError:
    """A ModelError with the route, what happened, and what to do."""
    return ModelError(
        f"{route}: {what}. {advice or ADVICE[kind]}",
        kind=kind,
        retryable=kind in RETRYABLE if retryable is None else retryable,
        retry_after_s=after_s,
        what=what,
    )


def classify(
    error: WireError, response: WireResponse, route: Route, option: str = ""
) -> ModelError:
    """The ModelError for what an attempt ended with; `response` is what came over the wire.

    `option` names the one for which the request had a `response_format`.
    """
    if (lengths := lengths_in(error, response)) is not None:
        return too_much(route, lengths, response)
    if isinstance(error, FaultError):
        kind, what = verdict_fault(response.fault or Fault())
    else:
        kind, what = verdict(error, response)
    advice = error.advice if isinstance(error, UnconnectedError) else None
    if option and may_be_of_format(kind, response):
        what += f" {OF_FORMAT}"
        advice = f"If it cannot hold answers to a JSON schema, take out {option}. {ADVICE[kind]}"
    return failure(kind, route, what, after_s=response.retry_after_s, advice=advice)


def may_be_of_format(kind: Kind, response: WireResponse) -> bool:
    """True of an error that a server may give because it knows no `response_format`."""
    if kind == "bad_request":
        return True
    fault = response.fault or fault_in_body(response.raw)
    return kind in {"server", "not_found"} and bool(FORMAT_WORDS.search(fault.words))


def lengths_in(error: WireError, response: WireResponse) -> ContextLength | None:
    """The lengths that a refusal tells, where it is for want of context."""
    if not isinstance(error, (StatusError, FaultError)):
        return None
    fault = response.fault or fault_in_body(response.raw)
    return context_length_in(
        status=fault.status or response.status or 0,
        names=SEPARATORS.sub("", fault.names.lower()),
        words=fault.words,
    )


def too_much(route: Route, lengths: ContextLength, response: WireResponse) -> ModelError:
    """The ModelError for a prompt that is longer than its model can take."""
    given = lengths.given or tokens_of(response.request or "")
    what = f"the prompt of about {given} tokens is longer than the model's context"
    if lengths.limit is not None:
        what += f" of {lengths.limit} tokens"
    error = failure("context_too_long", route, what)
    error.given_tokens, error.limit_tokens = lengths_told(what)
    return error


def lengths_told(message: str) -> tuple[int | None, int | None]:
    """The lengths in the message of such an error: what was sent, and what the model takes."""
    told = TOLD.search(message)
    if told is None:
        return None, None
    return int(told[1]), int(told[2]) if told[2] else None


def fault_in_body(body: str) -> Fault:
    """The error in the body of a refusal; of one that is no JSON, its text as words."""
    try:
        value = loads(body.encode())
    except ValueError:
        return Fault(words=body)
    fault = fault_in(value) if isinstance(value, dict) else None
    if fault is None:
        return Fault(words=body)
    # Not all of the body, which may quote the prompt.
    return replace(fault, words=" ".join([fault.words, *LENGTHS.findall(body)]))


def verdict(error: WireError, response: WireResponse) -> tuple[Kind, str]:
    """The kind of an error, and what happened in words."""
    kind: Kind = "garbage"
    what = f"it answered with {response.stray or 'what is no answer'}"
    match error:
        case TooLongError():
            kind, what = "too_long", f"an answer of more than {MAX_TEXT_BYTES} bytes"
        case FinishReasonError(finish_reason=reason):
            kind = "truncated" if reason.lower() in CUT_OFF else "refused"
            what = "it gave no whole answer"
        case NoTextError():
            kind, what = error.kind, error.what
        case BrokenStreamError(corrupt=True):
            what = "a part of the stream cannot be read"
        case BrokenStreamError():
            kind, what = "unreachable", "the stream stopped before its end"
        case UnconnectedError():
            kind, what = "unreachable", error.what
        case NoStreamError():
            what = "the answer is not a stream"
        case StatusError():
            is_spent = QUOTA_SPENT in response.raw
            kind, what = verdict_status(response.status or 0, is_spent=is_spent)
    return kind, what


def verdict_status(status: int, *, is_spent: bool) -> tuple[Kind, str]:
    """The kind of an error status, and in words; `is_spent`: its body says `QUOTA_SPENT`."""
    if status < HTTPStatus.BAD_REQUEST:
        return "not_found", f"it answered {status}, which leads elsewhere"
    is_theirs = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = BY_STATUS.get(status) or ("server" if is_theirs else "bad_request")
    # A spent budget comes as 429 too, and does not pass by waiting.
    if kind == "rate_limited" and is_spent:
        return "auth", f"it answered {status}, the quota is spent"
    return kind, f"it answered {status}"


def verdict_fault(fault: Fault) -> tuple[Kind, str]:
    """The kind of an error that came with the status of a success, and in words."""
    what = "its answer is an error"
    if fault.status is None:
        return kind_of_fault(fault), what
    return kind_of_fault(fault), f"{what} ({fault.status})"


def kind_of_fault(fault: Fault) -> Kind:
    """The kind of an error: by its own name, then by its status, then by its words."""
    named = SEPARATORS.sub("", fault.names.lower())
    for word, kind in BY_NAME.items():
        if word in named:
            return kind
    if fault.status is not None:
        return verdict_status(fault.status, is_spent=False)[0]
    for words, kind in BY_WORDS:
        if words.search(fault.words):
            return kind
    return next((kind for word, kind in BY_COMMON_NAME.items() if word in named), "server")
