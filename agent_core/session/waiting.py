"""A session's wait for something shared that is away, a model's route, or for a person's help."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from store.times import now_us

_REASON_CHARS = 500
STUCK = "stuck"
FOR_PEOPLE = ("approval", "question")
"""Kinds of waits that the inbox knows; nothing is tried again."""
FOR_CHILDREN = "child"
"""The wait of a parent, which its agent's state tells."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when, for what and why a session waits, and when it tries again; None: not by itself.

    `began` and `until` are of `time.monotonic`: a clock that is set changes no wait, and what the
    wait is said to have begun at is right again as soon as the clock is.
    """

    kind: str
    reason: str
    tries: int
    began: float
    until: float | None

    @property
    def is_stuck(self) -> bool:
        """It makes no way, and no tick follows before a person resumes or guides it."""
        return self.kind == STUCK

    @classmethod
    def stuck(cls, reason: str) -> "Waiting":
        """The wait of a session that begins to make no way."""
        now = time.monotonic()
        return cls(kind=STUCK, reason=reason[:_REASON_CHARS], tries=1, began=now, until=None)

    @classmethod
    def after(cls, before: "Waiting | None", kind: str, reason: str, wait_s: float) -> "Waiting":
        """The wait after one more try that failed; the first one begins it."""
        now = time.monotonic()
        same = before is not None and before.kind == kind
        return cls(
            kind=kind,
            reason=reason[:_REASON_CHARS],
            tries=before.tries + 1 if before is not None and same else 1,
            began=before.began if before is not None and same else now,
            until=now + wait_s,
        )

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Waiting":
        """As another process stored it; what would lie in the future begins now."""
        now = time.monotonic()
        gone_us = now_us() - int(stored["since"])
        return cls(
            kind=str(stored["kind"]),
            reason=str(stored["reason"]),
            tries=int(stored.get("tries", 1)),
            began=now - max(0, gone_us) / 1e6,
            until=None if stored["kind"] == STUCK else now,
        )

    def stored(self) -> dict[str, Any]:
        """Its form in a snapshot. **Units**: microseconds since 1970, UTC."""
        now, at_us = time.monotonic(), now_us()
        return {
            "kind": self.kind,
            "since": at_us - int((now - self.began) * 1e6),
            "reason": self.reason,
            "until": None if self.until is None else at_us + int((self.until - now) * 1e6),
            "tries": self.tries,
        }


def restored_wait(snapshot: Mapping[str, Any]) -> Waiting | None:
    """The wait of a snapshot that goes on by itself: not a budget's, nor one for others."""
    waits = snapshot.get("waits")
    told_elsewhere = (*FOR_PEOPLE, FOR_CHILDREN)
    if not waits or snapshot.get("held") is not None or waits["kind"] in told_elsewhere:
        return None
    return Waiting.restored(waits)


def waits_for_budget(held: Mapping[str, Any]) -> dict[str, Any]:
    """The same form, for the limit of a budget that holds a session."""
    return {
        "kind": "budget",
        "since": held.get("since"),
        "reason": held["text"],
        "until": held.get("until"),
    }
