"""The causes for which people are called: those of sessions, and requests that were refused."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from agent_core.session.concerns import Concern
from reins.webhooks.config import REJECTED
from store.times import now_us

_LASTS_S = 120.0
"""A refusal is a moment; so long it counts as a cause, for whoever looks a little later."""
_MOST = 200


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause, and whom it concerns; `since` is in microseconds since 1970."""

    kind: str
    key: str
    text: str
    since: int | None
    sessions: tuple[str, ...]
    route: str | None = None

    @classmethod
    def of(cls, concern: Concern) -> "Cause":
        sessions = tuple(each.session_id for each in concern.sessions)
        return cls(concern.kind, concern.key, concern.text, concern.since, sessions, concern.route)


class Refused(Protocol):
    """An action that was refused."""

    @property
    def action_type(self) -> str: ...

    @property
    def session_id(self) -> str | None: ...

    @property
    def actor(self) -> str: ...


class Rejections:
    """The newest actions that were refused; on the worker's loop."""

    def __init__(self) -> None:
        self._newest: deque[tuple[float, Cause]] = deque(maxlen=_MOST)

    def took(self, action: Refused, why: str) -> None:
        whose = () if action.session_id is None else (action.session_id,)
        key = f"{action.action_type}:{action.session_id or ''}:{why}"
        text = f"{action.action_type} of {action.actor}: {why}"
        cause = Cause(REJECTED, key[:_MOST], text, now_us(), whose)
        self._newest.append((time.monotonic(), cause))

    def now(self) -> list[Cause]:
        since = time.monotonic() - _LASTS_S
        while self._newest and self._newest[0][0] < since:
            self._newest.popleft()
        return [cause for _, cause in self._newest]
