"""The error of an attempt becomes a ModelError of one kind, without what anything quotes."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.answers.faults import fault_of
from reins.llm.errors import Kind
from reins.llm.limits.backoff import FIRST_S, LONGEST_S, wait_s
from reins.llm.settings import Route
from reins.llm.wire.errors import (
    BrokenStreamError,
    FaultError,
    FinishReasonError,
    NoStreamError,
    ShapeError,
    StatusError,
    TooLongError,
    UnconnectedError,
)
from reins.llm.wire.failures import ADVICE, classify, failure, lengths_told
from reins.llm.wire.response import WireResponse

ROUTE = Route("openai", "m", "http://x")
SECRET = "the prompt with sk-secret"


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (308, "not_found", False),
        (400, "bad_request", False),
        (401, "auth", False),
        (402, "auth", False),
        (403, "auth", False),
        (404, "not_found", False),
        (413, "bad_request", False),
        (429, "rate_limited", True),
        (500, "server", True),
        (502, "server", True),
        (503, "overloaded", True),
        (504, "timeout", True),
        (529, "overloaded", True),
    ],
)
def test_each_status_has_one_kind(status: int, kind: str, retryable: bool) -> None:  # noqa: FBT001
    """Each row of the error table has one kind; what came with it is not quoted."""
    error = classify(StatusError(), WireResponse(status=status, raw=SECRET), ROUTE)
    assert (error.kind, error.retryable) == (kind, retryable)
    assert "secret" not in str(error)
    assert "prompt" not in str(error).replace("suits the prompt", "")


def test_what_never_came_to_a_status() -> None:
    """A request that did not come through, and an answer that is none."""
    lost = classify(UnconnectedError("nothing listens"), WireResponse(), ROUTE)
    assert (lost.kind, lost.retryable) == ("unreachable", True)
    assert "nothing listens. " + ADVICE["unreachable"] in str(lost)
    advised = classify(UnconnectedError("no name", "Look it up."), WireResponse(), ROUTE)
    assert str(advised).endswith("no name. Look it up.")
    shapeless = classify(ShapeError(), WireResponse(status=200, raw=SECRET), ROUTE)
    assert (shapeless.kind, shapeless.retryable) == ("garbage", True)
    assert "secret" not in str(shapeless)


def test_a_spent_quota_is_not_retried() -> None:
    """429 for want of credit does not pass by waiting."""
    response = WireResponse(status=429, raw="code: insufficient_quota")
    error = classify(StatusError(), response, ROUTE)
    assert (error.kind, error.retryable) == ("auth", False)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("length", "truncated"),
        ("max_tokens", "truncated"),
        ("MAX_TOKENS", "truncated"),
        ("SAFETY", "refused"),
        ("content_filter", "refused"),
    ],
)
def test_finish_reasons(reason: str, kind: str) -> None:
    """A cut answer is told apart from a refused one; neither is tried again."""
    error = classify(FinishReasonError(reason), WireResponse(status=200), ROUTE)
    assert (error.kind, error.retryable) == (kind, False)


def test_a_time_limit_is_retryable() -> None:
    """A time limit may be kept the next time."""
    error = failure("timeout", ROUTE, "no answer within 1 s")
    assert (error.kind, error.retryable) == ("timeout", True)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("overloaded_error", "overloaded"),
        ("503 UNAVAILABLE", "overloaded"),
        ("rate_limit_exceeded tokens", "rate_limited"),
        ("429 RESOURCE_EXHAUSTED", "rate_limited"),
        ("429", "rate_limited"),
        ("insufficient_quota rate_limit", "auth"),
        ("authentication_error", "auth"),
        ("permission_error", "auth"),
        ("not_found_error", "not_found"),
        ("invalid_request_error", "bad_request"),
        ("api_error", "server"),
        ("500", "server"),
        ("?", "server"),
        ("the-secret", "server"),
        ("²", "server"),
    ],
)
def test_faults_inside_a_stream(fault: str, kind: str) -> None:
    """An error event is of the kind that it names, and is not quoted."""
    found = fault_of({"code": fault})
    error = classify(FaultError(), WireResponse(status=200, fault=found), ROUTE)
    assert error.kind == kind
    assert fault.isdecimal() or fault not in str(error).replace(ROUTE.address, "")


def test_streams_that_are_none() -> None:
    """A stream cut off, one with a corrupt event and one too long are told apart."""
    assert classify(BrokenStreamError(corrupt=False), WireResponse(), ROUTE).kind == "unreachable"
    assert classify(BrokenStreamError(corrupt=True), WireResponse(), ROUTE).kind == "garbage"
    too_long = classify(TooLongError(), WireResponse(), ROUTE)
    assert (too_long.kind, too_long.retryable) == ("too_long", False)
    assert classify(NoStreamError(), WireResponse(status=200), ROUTE).kind == "garbage"


def test_what_a_message_tells_of_lengths_can_be_read_again() -> None:
    """A replay has only the message, and sends as little as was sent then."""
    for said, told in (
        ("context length is 100 tokens; you requested 400 tokens", (400, 100)),
        ("prompt is too long", (300, None)),
    ):
        response = WireResponse(status=400, raw=said, request="x" * 900)
        error = classify(StatusError(), response, ROUTE)
        assert error.kind == "context_too_long"
        assert lengths_told(str(error)) == (error.given_tokens, error.limit_tokens) == told
    assert lengths_told("anything else") == (None, None)


def test_every_kind_has_advice() -> None:
    """Whatever happens, the message says what to do."""
    assert set(get_args(Kind)) == set(ADVICE)


@given(attempt=st.integers(1, 100), asked=st.none() | st.floats(0, 1e6))
def test_the_wait_keeps_to_what_was_asked(attempt: int, asked: float | None) -> None:
    """A wait is never shorter than asked, and bounded where nothing was asked."""
    wait = wait_s(attempt, asked)
    assert wait >= (asked or 0)
    if asked is None:
        assert wait <= LONGEST_S


def test_no_wait_asked_for_is_the_usual_one() -> None:
    """`Retry-After: 0` does not make four attempts at once."""
    waits = [wait_s(4, 0.0) for _ in range(200)]
    assert max(waits) > FIRST_S
    assert max(wait_s(1, 7.0) for _ in range(50)) < 8
