"""The trouble of one session: a fault, a tick that hangs, or a way back that is not proven yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from store.times import now_us

TroubleKind: TypeAlias = Literal["fault", "slow", "resumed"]
TAKES_LONG = "this tick takes more than"
_MANY_S = 99.5
_LEAST_S = 0.001
_KEY_CHARS = 120
_TEXT_CHARS = 300
_VOLATILE = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|0x[0-9a-f]+|\d[\d.,:]*")
"""What differs between two errors of one cause: quoted values, addresses, numbers."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The reason for which a session is not well. `key` is the same for all sessions of one cause.

    `fault`: its newest tick failed. `slow`: its tick in flight takes far longer than its ticks do.
    `resumed`: it was in trouble, goes on, and has not ticked since. `since` is in microseconds
    since 1970; `route` names the models' route that is at fault.
    """

    kind: TroubleKind
    key: str
    text: str
    since: int
    route: str | None = None

    def stored(self) -> dict[str, Any]:
        """Its form in a snapshot."""
        route = {} if self.route is None else {"route": self.route}
        return {
            "kind": self.kind, "key": self.key, "text": self.text, "since": self.since, **route,
        }  # fmt: skip


def restored_trouble(stored: Mapping[str, Any] | None) -> Trouble | None:
    """As a snapshot has it; a tick that hung in another process is over."""
    if stored is None or stored["kind"] == "slow":
        return None
    return Trouble(**stored)


def fault(error: BaseException, described: str, before: Trouble | None) -> Trouble:
    """The trouble of a session whose tick failed; one of the same cause goes on since it began.

    The error may tell its `shared_cause`: a key, words and a route; `described` is all its words.
    """
    told: tuple[str, str, str | None] | None = getattr(error, "shared_cause", None)
    key, text, route = told or (key_of(described), " ".join(described.split()), None)
    same = before is not None and before.kind == "fault" and before.key == key
    since = before.since if before is not None and same else now_us()
    return Trouble("fault", key, text[:_TEXT_CHARS], since, route)


def key_of(error: str) -> str:
    """The part of an error in words that is the same for all sessions that it befalls."""
    return " ".join(_VOLATILE.sub("…", error).split())[:_KEY_CHARS]


def slow(took_s: float, usual_s: float | None) -> Trouble:
    """The trouble of a session whose tick has taken `took_s` so far."""
    usually = "the first ones of it" if usual_s is None else f"usually {in_words(usual_s)}"
    text = f"{TAKES_LONG} {in_words(took_s)}, {usually}"
    return Trouble("slow", "slow", text, now_us() - int(took_s * 1e6))


def resumed() -> Trouble:
    return Trouble("resumed", "resumed", "was resumed, and has not ticked yet", now_us())


def in_words(seconds: float) -> str:
    """A duration as a person says it: 120 ms, 1.1 s, 4 min."""
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms" if seconds >= _LEAST_S else "under 1 ms"
    return f"{seconds:.2g} s" if seconds < _MANY_S else f"{seconds / 60:.0f} min"
