"""A persona whose turn is next and that a budget holds leaves the floor to the others."""

import queue_imp as q
from tests.integration.test_conversations import House, data, persona
from tests.support.waiting import until_async

__all__ = ["data"]


async def test_who_is_held_before_its_turn_gives_the_floor_back(data):
    """Else all wait for one that does not compose."""
    house = await House(data).start(pace="calm")
    try:
        await house.room()
        await house.do(*persona("Cy"))
        await house.do(q.post_message, "c", "ann", "Hello?")
        await until_async(lambda: house.runtime.conversations.composing("c"), "its turn is next")
        await house.guide("cy", {"type": "set_budget", "scope": "session", "ticks": 0})
        await until_async(lambda: house.runtime.fleet.live["cy"].held, "it is held")
        assert house.runtime.conversations.composing("c") is None
    finally:
        await house.stop()
