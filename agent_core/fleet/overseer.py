"""The overseer: one look at all sessions every few seconds, in place of a timer for each."""

import time
from collections.abc import Callable, Mapping

from agent_core.session.session import Session
from reins.loops import TaskLoop

_PERIOD_S = 5.0


class Overseer(TaskLoop):
    """Gives up ticks that take too long, and releases sessions whose budget has room again.

    Starts once; a second stop does nothing. `tick_timeout_s` tells how long a tick may take at the
    moment.
    """

    def __init__(
        self,
        live: Mapping[str, Session],
        *,
        tick_timeout_s: Callable[[], float],
        release_held: Callable[[], None],
    ) -> None:
        super().__init__("overseer")
        self._live = live
        self._tick_timeout_s = tick_timeout_s
        self._release_held = release_held

    async def run_once(self) -> float:
        """One look; gives the seconds until the next."""
        now = time.perf_counter()
        for session in list(self._live.values()):
            if (why := session.over_time(now)) is not None:
                session.scope.abort(why)
        self._release_held()
        return min(_PERIOD_S, self._tick_timeout_s() / 4)
