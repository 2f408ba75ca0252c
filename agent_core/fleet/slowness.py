"""Ticks that take far longer than those of their session usually do: each is noted in its log."""

import time
from collections.abc import Callable, Iterable
from statistics import median

from agent_core.session.log import Event
from agent_core.session.session import Session
from agent_core.session.trouble import slow
from reins.threads import READS
from store import agent_steps
from store.reading import Reader

_TIMES = 10.0
"""So many times longer than usual is a tick that hangs."""
_ROWS = 60
_FEWEST = 3
"""From fewer ticks no habit is told; then half the time limit is long."""


class Slowness:
    """Looks at the ticks in flight, and says once of each that it hangs.

    A session's habit is read from its log when a tick of it has taken `floor_s`, so that ticks
    that are quick cost nothing, and idle sessions keep nothing in memory. Time in line for a model
    does not count, as for the time limit of ticks.
    """

    def __init__(self, store: Reader, floor_s: Callable[[], float]) -> None:
        self._store = store
        self._floor_s = floor_s
        self._judged: dict[Session, tuple[float, float, float | None]] = {}
        """Of the sessions whose tick takes long: when it began, how long it may, the usual."""

    def look(self, sessions: Iterable[Session], now: float) -> None:
        """One look at all sessions; never waits."""
        floor_s = self._floor_s()
        before, self._judged = self._judged, {}
        for session in sessions:
            if not _is_over(session, now, floor_s):
                continue
            judged = before.get(session)
            if judged is None or judged[0] != session.scope.began:
                session.beside.run(self._judge(session, session.scope.began), "judge its tick")
                continue
            self._judged[session] = judged
            began, limit_s, usual_s = judged
            if _is_over(session, now, limit_s) and not _is_known(session):
                session.beside.run(_note(session, began, usual_s), "note its tick")

    async def _judge(self, session: Session, began: float) -> None:
        floor_s, longest_s = self._floor_s(), session.schedule.tick_timeout_s / 2
        rows = await READS.call(
            agent_steps.list_steps,
            session.session_id,
            max(0, session.seq - _ROWS),
            _ROWS,
            store=self._store,
        )
        took_ms = [row["latency_ms"] for row in rows if row["kind"] == "tick" and row["latency_ms"]]
        usual_s = median(took_ms) / 1_000 if len(took_ms) >= _FEWEST else None
        limit_s = max(floor_s, longest_s if usual_s is None else min(usual_s * _TIMES, longest_s))
        self._judged[session] = (began, limit_s, usual_s)


def _is_over(session: Session, now: float, limit_s: float) -> bool:
    account = session.account
    return session.scope.is_over_time(now, limit_s, account.waits_since if account else None)


def _is_known(session: Session) -> bool:
    return session.trouble is not None and session.trouble.kind == "slow"


async def _note(session: Session, began: float, usual_s: float | None) -> None:
    def event() -> Event | None:
        if not session.scope.ticking or session.scope.began != began or _is_known(session):
            return None  # it has ended meanwhile
        session.trouble = slow(time.perf_counter() - began, usual_s)
        return Event("status", f"{session.status}: {session.trouble.text}")

    await session.log.note(event)
