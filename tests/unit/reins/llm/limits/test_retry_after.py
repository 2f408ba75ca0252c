"""The wait that a server asks for is read in each form in which servers say it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm.limits.backoff import LONGEST_BACKOFF_S
from reins.llm.limits.retry_after import asked_s

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("0", 0),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0.25", 0.25),
        (".5", 0.5),
        ("3.", 3),
        ("3.5\r", 3.5),
        ("7s", 7),
        ("1m30s", 90),
        ("20 seconds", 20),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("2026-11-20T12:00:30Z", 30),
        ("2026-11-20T14:00:30.5+02:00", 30.5),
        (str(EPOCH + 45), 45),
        (str(EPOCH * 1000 + 45_000), 45),
        (str(EPOCH - 45), 0),
        ("soon", None),
        ("-3", None),
        ("", None),
        (".", None),
        ("1.2.3", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("²", None),
        ("999999999", LONGEST_BACKOFF_S),
        ("9" * 10_000, LONGEST_BACKOFF_S),
        ("Fri, 31 Dec 2099 23:59:59 GMT", LONGEST_BACKOFF_S),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 99999999999999999999 Jan 2024 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:99999999999999999999 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_BACKOFF_S),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
    ],
)
def test_retry_after_is_read_as_a_number_a_span_and_a_time(
    header: str | None, expected: float | None
) -> None:
    """Numbers, spans and times are read, up to ten minutes; a time gone by is no wait, nonsense is
    ignored."""
    headers = {} if header is None else {"retry-after": header}
    assert asked_s(headers, status=503, now=NOW) == expected


BEGINS_ANEW = "2026-11-20T12:00:%sZ"
OTHERS = {
    "OpenAI": ({"retry-after-ms": "3500", "retry-after": "4"}, 3.5),
    "Azure": ({"x-ms-retry-after-ms": "1250", "retry-after": "2"}, 1.25),
    "milliseconds that are none": ({"retry-after-ms": "soon", "retry-after": "4"}, 4),
    "requests spent": (
        {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "1m3s",
            "x-ratelimit-remaining-tokens": "900",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        63,
    ),
    "tokens spent": (
        {
            "x-ratelimit-remaining-requests": "9",
            "x-ratelimit-reset-requests": "20ms",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        360,
    ),
    "neither is said to be spent": (
        {"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "7.66s"},
        0.02,
    ),
    "both spent": (
        {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "2s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "9s",
        },
        9,
    ),
    "a draft of the IETF's": ({"ratelimit-remaining": "0", "ratelimit-reset": "12"}, 12),
    "seconds since 1970": ({"x-ratelimit-reset": str(EPOCH + 12)}, 12),
    "OpenRouter": ({"x-ratelimit-reset": str(EPOCH * 1000 + 12_500)}, 12.5),
    "Anthropic": (
        {
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": BEGINS_ANEW % "01",
            "anthropic-ratelimit-input-tokens-remaining": "0",
            "anthropic-ratelimit-input-tokens-reset": BEGINS_ANEW % "17",
        },
        17,
    ),
    "a reset with a wait beside it": ({"retry-after": "2", "x-ratelimit-reset": "60"}, 2),
}


@pytest.mark.parametrize(("headers", "expected"), OTHERS.values(), ids=OTHERS)
def test_other_headers_tell_it_too(headers: dict[str, str], expected: float) -> None:
    """The finest of them counts, and of several limits the one that is spent."""
    assert asked_s(headers, status=429, now=NOW) == pytest.approx(expected)


def test_when_a_limit_begins_anew_says_nothing_of_another_failure() -> None:
    """These headers stand in every answer; only of a 429 they are the reason."""
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m"}
    assert asked_s(headers, status=500, now=NOW) is None
    assert asked_s(headers, status=429, now=NOW) == 60


BODIES = {
    '{"error": {"message": "Rate limit reached. Please try again in 7.66s."}}': 7.66,
    '{"error": {"message": "Please try again in 1m12s. Visit the site."}}': 72,
    '{"error": {"message": "Please try again in 250ms."}}': 0.25,
    '{"error": {"message": "Please retry after 20 seconds."}}': 20,
    '{"error": {"message": "Try again in 2 minutes"}}': 120,
    '{"error": {"details": [{"@type": "RetryInfo", "retryDelay": "34.5s"}]}}': 34.5,
    '{"error": {"message": "please try again later"}}': None,
    "": None,
}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_tells_it_where_no_header_does(body: str) -> None:
    """Google's delay and the words of others are read, and a header goes first."""
    assert asked_s({}, status=429, body=body, now=NOW) == BODIES[body]
    assert asked_s({"retry-after": "1"}, status=429, body=body, now=NOW) == 1


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(days=4 * 365)])
def test_a_time_counts_from_the_servers_own_clock(off: timedelta) -> None:
    """Our clock may be wrong: where the answer has its date, a time is compared with that."""
    headers = {
        "date": "Fri, 20 Nov 2026 12:00:00 GMT",
        "retry-after": "Fri, 20 Nov 2026 12:00:30 GMT",
    }
    assert asked_s(headers, status=429, now=NOW + off) == 30


LIKE_A_DATE = st.lists(
    st.sampled_from(
        ["Mon,", "01", "Jan", "2024", "00:00:00", "GMT", "+", "-0000", ":", "9" * 20, "-9", "+1e9",
         "T", "Z", "1m", "3.5s", "ms"]
    )
    | st.integers().map(str)
    | st.floats().map(str)
    | st.text(max_size=3)
).map(" ".join)  # fmt: skip


@given(
    name=st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens", "date"]),
    text=st.text() | LIKE_A_DATE,
)
def test_a_wait_never_raises(name: str, text: str) -> None:
    """Whatever a server writes there, a wait is a number that is not negative, or none."""
    found = asked_s({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT", name: text}, status=429)
    assert found is None or 0 <= found <= LONGEST_BACKOFF_S
    found = asked_s({}, status=429, body="try again in " + text)
    assert found is None or 0 <= found <= LONGEST_BACKOFF_S
