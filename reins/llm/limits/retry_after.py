"""The wait that a refused request is asked for, in the forms in which servers say it.

**Source**: RFC 9110, 10.2.3 (Retry-After); draft-ietf-httpapi-ratelimit-headers; the references of
OpenAI, Azure, Anthropic, Google, Groq, Mistral and OpenRouter.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import chain
from math import isfinite

from reins.llm.limits.backoff import LONGEST_BACKOFF_S

MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
"""These are finer than Retry-After, which stands beside them and is rounded."""

SECONDS = ("retry-after", "x-retry-after", "x-ratelimit-reset-after")

NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}")
PART = re.compile(
    r"([0-9]{1,12}(?:\.[0-9]{0,20})?)\s?(days?|d|hours?|hrs?|h|minutes?|mins?|milliseconds?|ms|m|"
    r"seconds?|secs?|s|us|µs)(?![a-z])[\s,]{0,2}"
)
UNIT_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "mi": 60.0, "ms": 1e-3, "us": 1e-6}
SAID = re.compile(r"(?:try again|retry)\s+(?:in|after)\s+([0-9].{0,40})")
DELAY = re.compile(r'"retrydelay"\s*:\s*"([0-9.]{1,20}s)"')
EPOCH_S = 1e9
"""A number from here on is no wait but a time: of 2001 in seconds, or later."""

EPOCH_MS = 1e12
LAST_EPOCH_S = 1e10
MAX_CHARS = 100
MAX_BODY_CHARS = 16 * 1024


def asked_s(
    headers: Mapping[str, str], *, status: int, body: str = "", now: datetime | None = None
) -> float | None:
    """Seconds that a server asks to wait, at most `LONGEST_BACKOFF_S`; None where it asks for none.

    Times count from the server's own `Date`, as its clock and ours may differ. When a limit begins
    anew says something of a 429 alone: any answer has it.
    """
    headers = {name.lower(): value for name, value in headers.items()}
    now = _date(headers.get("date")) or now or datetime.now(UTC)
    told = chain(
        (_number(headers.get(name), 1e-3) for name in MILLISECONDS),
        (_wait(headers.get(name), now) for name in SECONDS),
        _of_limit(headers, body, now) if status == HTTPStatus.TOO_MANY_REQUESTS else (),
    )
    found = next((seconds for seconds in told if seconds is not None), None)
    return None if found is None else min(max(0.0, found), LONGEST_BACKOFF_S)


def _of_limit(headers: Mapping[str, str], body: str, now: datetime) -> Iterator[float | None]:
    """The waits that other places of an answer tell, the surest first."""
    spent: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        wait_s = _wait(value, now)
        if wait_s is not None:
            left = headers.get(name.replace("reset", "remaining"), "").strip()
            (spent if left == "0" else others).append(wait_s)
    yield max(spent, default=None)
    if body:
        text = body[:MAX_BODY_CHARS].lower()
        for said in (DELAY.search(text), SAID.search(text)):
            yield _span(said[1]) if said else None
    # None is said to be spent. The soonest: a wait that was too short is only asked for again.
    yield min(others, default=None)


def _wait(text: str | None, now: datetime) -> float | None:
    """Seconds until what a header says: a number, a span such as 6m0s, or a time."""
    if text is None:
        return None
    seconds = _number(text)
    if seconds is None:
        at_time = None if (span := _span(text)) is not None else _date(text)
        return span if at_time is None else (at_time - now).total_seconds()
    at = seconds / 1000 if seconds >= EPOCH_MS else seconds
    return at - now.timestamp() if EPOCH_S <= at < LAST_EPOCH_S else seconds


def _number(text: str | None, unit_s: float = 1.0) -> float | None:
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        text = text[:20]  # one that is longer is no less than what is left of it
    return float(text) * unit_s if NUMBER.fullmatch(text) else None


def _span(text: str) -> float | None:
    """Seconds of a span that a text begins with, such as 1h2m3.5s, 20ms or 20 seconds."""
    seconds, at = None, 0
    text = text.strip().lower()[:MAX_CHARS]
    while part := PART.match(text, at):
        number, unit = part.groups()
        key = {"mi": "ms" if unit.startswith("mil") else "mi", "µs": "us"}.get(unit[:2], unit[:2])
        scale = UNIT_S.get(key) or UNIT_S[unit[0]]
        seconds = (seconds or 0.0) + float(number) * scale
        at = part.end()
    return seconds


def _date(text: str | None) -> datetime | None:
    """A time by RFC 9110 or RFC 3339; None for anything else."""
    text = (text or "").strip()[:MAX_CHARS]
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            if isfinite(at.timestamp()):
                return at
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, OSError):
            continue  # a date of absurd numbers raises more than its parser says
    return None
