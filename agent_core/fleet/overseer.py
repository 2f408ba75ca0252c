"""The overseer: one look at all sessions every few seconds, in place of a timer for each."""

import time
from collections.abc import Callable, Mapping

from agent_core.fleet.slowness import Slowness
from agent_core.session.schedule import Schedule
from agent_core.session.session import Session
from reins.loops import TaskLoop
from store.reading import Reader

_PERIOD_S = 5.0


class Overseer(TaskLoop):
    """Gives up ticks that take too long, notes those that hang, and releases sessions whose budget
    has room again.

    Starts once; a second stop does nothing. `schedule` is the one that holds at the moment.
    """

    def __init__(
        self,
        live: Mapping[str, Session],
        *,
        store: Reader,
        schedule: Callable[[], Schedule],
        release_held: Callable[[], None],
    ) -> None:
        super().__init__("overseer")
        self._live = live
        self._schedule = schedule
        self._slowness = Slowness(store, lambda: schedule().hanging_after_s)
        self._release_held = release_held

    async def run_once(self) -> float:
        """One look; gives the seconds until the next."""
        now = time.perf_counter()
        for session in list(self._live.values()):
            if (why := session.over_time(now)) is not None:
                session.scope.abort(why)
        self._slowness.look(list(self._live.values()), now)
        self._release_held()
        schedule = self._schedule()
        return min(_PERIOD_S, schedule.tick_timeout_s / 4, schedule.hanging_after_s / 2)
