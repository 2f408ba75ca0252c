"""Callers are told while an attempt waits for its place."""

import asyncio

import pytest

from tests.support.callers import Account, route
from tests.support.model_stub import ModelStub, openai, says
from tests.support.waiting import until_async

JOKE = {"subject": "cats", "told": [], "avoid": []}


async def test_callers_are_told_while_they_wait(routed, stub: ModelStub) -> None:
    """From the line's end to the place, or to the end of the wish for one."""

    async def held(server, request):
        await server.released.wait()
        return await says(openai())(server, request)

    stub.default = held
    model = await routed(route("a", stub, concurrency=1))
    first, second, third = Account("one"), Account("two"), Account("three")
    calls = []
    for account in (first, second, third):
        calls.append(asyncio.ensure_future(model.for_caller(account).call("TellAJoke", **JOKE)))
        await until_async(lambda account=account: account.in_line or stub.open_now)
    await until_async(lambda: second.in_line == third.in_line == 1)
    assert first.in_line == 0, "it has its place"
    calls[2].cancel()
    with pytest.raises(asyncio.CancelledError):
        await calls[2]
    assert third.in_line == 0
    stub.released.set()
    await asyncio.gather(*calls[:2])
    assert second.in_line == 0
