"""Rates by name: an action waits for its turn, which is no failure and costs no attempt."""

from collections.abc import Mapping

from aiolimiter import AsyncLimiter

from reins.plans.actions import Rate


class Limiters:
    """The rates of one event loop. Plans that are given the same one share its rates."""

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._limiters = {
            name: AsyncLimiter(rate.calls, rate.per_s) for name, rate in rates.items()
        }

    async def wait(self, name: str) -> None:
        """Return when an action with this limit may begin."""
        await self._limiters[name].acquire()
