"""A burst goes on in several passes of the loop, in order, and a lone call at once."""

import asyncio

import pytest

from reins.llm.limits.admission import Admission
from reins.llm.limits.turns import MOST, Turns


class Passes:
    """Counts the passes of the loop, each of which others see as one number."""

    def __init__(self) -> None:
        self.now = 0
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self.now += 1
        asyncio.get_running_loop().call_soon(self._next)


async def test_a_lone_call_does_not_wait() -> None:
    """It goes on without a turn of the loop."""
    taking = Turns().take()
    with pytest.raises(StopIteration):
        taking.send(None)


async def test_a_burst_goes_on_in_order_and_in_parts() -> None:
    """No pass sees more than its worth, and nobody is overtaken."""
    turns, passes, went = Turns(), Passes(), []

    async def go(number: int) -> None:
        await turns.take()
        went.append((number, passes.now))

    await asyncio.gather(*map(go, range(10 * MOST)))
    assert [number for number, _ in went] == [*range(10 * MOST)]
    by_pass = [at for _, at in went]
    assert max(by_pass.count(at) for at in by_pass) <= MOST


async def test_who_is_cancelled_holds_up_nobody() -> None:
    """Their turns are given to those behind them."""
    turns, went = Turns(), []

    async def go(number: int) -> None:
        await turns.take()
        went.append(number)

    tasks = [asyncio.ensure_future(go(number)) for number in range(6 * MOST)]
    await asyncio.sleep(0)
    for task in tasks[MOST : 5 * MOST]:
        task.cancel()
    await asyncio.wait_for(asyncio.wait(tasks), 10)
    assert went == [*range(MOST), *range(5 * MOST, 6 * MOST)]
    await asyncio.wait_for(turns.take(), 10)


async def test_a_burst_enters_a_route_in_parts() -> None:
    """However many places there are: each that enters renders its prompt and sends it."""
    admission, passes, entered = Admission(1_000, None, None), Passes(), []

    async def enter(session: int) -> None:
        await admission.enter(str(session), 1, 1_000.0)
        entered.append(passes.now)

    await asyncio.gather(*map(enter, range(10 * MOST)))
    assert max(entered.count(at) for at in entered) <= MOST
    assert (admission.taken, admission.waiting) == (10 * MOST, 0)
