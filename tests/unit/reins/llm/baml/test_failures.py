"""BAML's errors become ours, by what truly came over the wire, and without what they quote."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.baml.errors import (
    BamlClientFinishReasonError,
    BamlClientHttpError,
    BamlError,
    BamlTimeoutError,
    BrokenStreamError,
    TooLongError,
)
from reins.llm.baml.failures import ADVICE, NO_EVENTS, STREAM_BROKE, classify
from reins.llm.baml.response import WireResponse
from reins.llm.errors import Kind
from reins.llm.limits.backoff import FIRST_S, LONGEST_S, wait_s
from reins.llm.settings import Route

ROUTE = Route("openai", "m", "http://x")
SECRET = "the prompt with sk-secret"


@pytest.mark.parametrize(
    ("made_up", "on_the_wire", "kind", "retryable"),
    [
        (400, 400, "bad_request", False),
        (401, 401, "auth", False),
        (402, 402, "auth", False),
        (403, 403, "auth", False),
        (404, 404, "not_found", False),
        (413, 413, "bad_request", False),
        (429, 429, "rate_limited", True),
        (500, 500, "server", True),
        (502, 502, "server", True),
        (503, 503, "overloaded", True),
        (504, 504, "timeout", True),
        (529, 529, "overloaded", True),
        (503, None, "unreachable", True),
        (2, None, "unreachable", True),
        (200, 200, "garbage", True),
        (2, 200, "garbage", True),
    ],
)
def test_each_http_error_has_one_kind(
    made_up: int, on_the_wire: int | None, kind: str, retryable: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """Each row of the error table has one kind; statuses that BAML makes up are seen through."""
    raised = BamlClientHttpError("Route", SECRET, made_up, SECRET)
    error = classify(raised, WireResponse(status=on_the_wire), ROUTE)
    assert (error.kind, error.retryable) == (kind, retryable)
    assert "secret" not in str(error)
    assert "prompt" not in str(error).replace("suits the prompt", "")


def test_a_spent_quota_is_not_retried() -> None:
    """429 for want of credit does not pass by waiting."""
    raised = BamlClientHttpError("Route", "code: insufficient_quota", 429, "")
    error = classify(raised, WireResponse(status=429), ROUTE)
    assert (error.kind, error.retryable) == ("auth", False)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("length", "truncated"),
        ("max_tokens", "truncated"),
        ("MAX_TOKENS", "truncated"),
        ("SAFETY", "refused"),
        ("content_filter", "refused"),
        (None, "refused"),
    ],
)
def test_finish_reasons(reason: str | None, kind: str) -> None:
    """A cut answer is told apart from a refused one; neither is tried again."""
    raised = BamlClientFinishReasonError(SECRET, SECRET, SECRET, reason, SECRET)
    error = classify(raised, WireResponse(status=200), ROUTE)
    assert (error.kind, error.retryable) == (kind, False)
    assert "secret" not in str(error)


def test_a_time_limit_is_retryable_and_an_unknown_error_is_not() -> None:
    """A time limit is retryable, and an unknown error of BAML is not."""
    assert classify(BamlTimeoutError("Route", SECRET), WireResponse(), ROUTE).retryable
    unknown = classify(BamlError(SECRET), WireResponse(), ROUTE)
    assert not unknown.retryable
    assert "secret" not in str(unknown)


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
    raised = BrokenStreamError(corrupt=False)
    error = classify(raised, WireResponse(status=200, fault=fault), ROUTE)
    assert error.kind == kind
    assert fault not in str(error).replace(ROUTE.address, "")


def test_streams_that_are_none() -> None:
    """A stream cut off, one with a corrupt event and one too long are told apart."""
    assert classify(BrokenStreamError(corrupt=False), WireResponse(), ROUTE).kind == "unreachable"
    assert classify(BrokenStreamError(corrupt=True), WireResponse(), ROUTE).kind == "garbage"
    too_long = classify(TooLongError(), WireResponse(), ROUTE)
    assert (too_long.kind, too_long.retryable) == ("too_long", False)
    for said in (STREAM_BROKE, NO_EVENTS):
        raised = BamlClientHttpError("Route", said + SECRET, 2, "")
        assert "secret" not in str(classify(raised, WireResponse(status=200), ROUTE))


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
