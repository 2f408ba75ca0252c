"""BAML's errors become ours, by what truly came over the wire, and without what they quote."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.baml_runtime import (
    Answer,
    BamlClientFinishReasonError,
    BamlClientHttpError,
    BamlError,
    BamlTimeoutError,
)
from llm.failures import classify
from llm.patience import LONGEST_S, asked_s, wait_s
from llm.settings import Route

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
def test_http_errors(made_up: int, on_the_wire: int | None, kind: str, retryable: bool) -> None:  # noqa: FBT001
    """Each row of the error table has one kind; statuses that BAML makes up are seen through."""
    raised = BamlClientHttpError("Route", SECRET, made_up, SECRET)
    error = classify(raised, Answer(status=on_the_wire), ROUTE)
    assert (error.kind, error.retryable) == (kind, retryable)
    assert "secret" not in str(error)
    assert "prompt" not in str(error).replace("suits the prompt", "")


def test_a_spent_quota_is_not_retried() -> None:
    """429 for want of credit does not pass by waiting."""
    raised = BamlClientHttpError("Route", "code: insufficient_quota", 429, "")
    error = classify(raised, Answer(status=429), ROUTE)
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
    error = classify(raised, Answer(status=200), ROUTE)
    assert (error.kind, error.retryable) == (kind, False)
    assert "secret" not in str(error)


def test_the_rest() -> None:
    """A time limit is retryable, and an unknown error of BAML is not."""
    assert classify(BamlTimeoutError("Route", SECRET), Answer(), ROUTE).retryable
    unknown = classify(BamlError(SECRET), Answer(), ROUTE)
    assert not unknown.retryable
    assert "secret" not in str(unknown)


NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("0", 0),
        (" 7 ", 7),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-3", None),
        ("", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    """Seconds and HTTP dates are read, a time gone by is no wait, nonsense is ignored."""
    assert asked_s(header, now=NOW) == expected


@given(st.text())
def test_retry_after_never_raises(header: str) -> None:
    """Whatever a server writes there, a wait is a number that is not negative, or none."""
    found = asked_s(header)
    assert found is None or found >= 0


@given(attempt=st.integers(1, 100), asked=st.none() | st.floats(0, 1e6))
def test_the_wait_keeps_to_what_was_asked(attempt: int, asked: float | None) -> None:
    """A wait is never shorter than asked, and bounded where nothing was asked."""
    wait = wait_s(attempt, asked)
    assert wait >= (asked or 0)
    if asked is None:
        assert wait <= LONGEST_S
