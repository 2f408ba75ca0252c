"""Turns: one at a time, in order, and none is lost with whoever is cancelled."""

import asyncio

import pytest

from agent_core.session.turns import Turns


async def _waits(turns, name, had):
    async with turns:
        had.append(name)
        await asyncio.sleep(0)


async def test_turns_are_had_in_the_order_they_were_asked_for():
    """Nobody has one while another has, and nobody comes in between."""
    turns, had = Turns(), []
    assert turns.is_taken_now()
    waiting = [asyncio.ensure_future(_waits(turns, n, had)) for n in range(5)]
    await asyncio.sleep(0)
    assert not turns.is_taken_now()
    assert had == []
    turns.give()
    assert not turns.is_taken_now()  # it is the first one's already
    await asyncio.gather(*waiting)
    assert had == [0, 1, 2, 3, 4]
    assert not turns.locked()


async def test_a_turn_of_one_who_is_cancelled_is_the_next_ones():
    """Also where the turn was given in the same moment."""
    turns, had = Turns(), []
    assert turns.is_taken_now()
    waiting = [asyncio.ensure_future(_waits(turns, n, had)) for n in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    turns.give()
    waiting[1].cancel()
    waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert had == [3]
    assert turns.is_taken_now()


async def test_an_error_gives_the_turn_back():
    turns = Turns()
    with pytest.raises(ValueError, match="within"):
        async with turns:
            raise ValueError("within")
    assert not turns.locked()
