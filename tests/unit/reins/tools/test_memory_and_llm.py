"""The built-in tools that need no disk: the session's memory, and the model."""

import asyncio
from types import SimpleNamespace

import pytest

from reins.tools import Calls, Context
from reins.tools.builtin.llm import llm_batch, llm_call, llm_stream
from reins.tools.builtin.memory import recall, remember


async def call(tool, context, **arguments):
    return await Calls().call(tool, arguments, context)


async def test_what_is_remembered_is_recalled():
    """By its key, whole; all keys with the begin of their texts; until it is forgotten."""
    context = Context()
    assert (await call(recall, context)).text() == "[nothing is kept]"
    await call(remember, context, key="plan", text="first\nthis")
    await call(remember, context, key="plan", text="first\nthat " + "x" * 200)
    assert (await call(recall, context, key="plan")).text().startswith("first\nthat x")
    assert (await call(recall, context)).text() == f"plan: first that {'x' * 69}"
    missing = await call(recall, context, key="plans")
    assert "nothing is kept under 'plans'; kept: plan" in missing.error
    assert (await call(remember, context, key="plan", text="")).text() == "forgotten"
    assert context.memory == {"notes": {}}


async def test_the_memory_is_bounded():
    """In texts and in characters; a text in the place of another is no more."""
    context = Context()
    for n in range(100):
        assert (await call(remember, context, key=str(n), text="x")).ok
    assert "is full" in (await call(remember, context, key="more", text="x")).error
    assert (await call(remember, context, key="7", text="y")).ok
    context = Context()
    for n in range(16):
        assert (await call(remember, context, key=str(n), text="x" * 4_000)).ok
    assert "is full" in (await call(remember, context, key="more", text="x")).error


class Model:
    """Answers with what was asked, and how."""

    def __init__(self) -> None:
        self.at_once = self.most = 0

    async def call(self, function, *, messages, how="call"):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if messages[-1]["content"] == "fail":
            raise ConnectionError("away")
        said = "/".join(each["content"] for each in messages)
        return SimpleNamespace(text=f"{how} {function}: {said}")

    async def stream(self, function, *, messages):
        return await self.call(function, messages=messages, how="stream")


async def test_the_model_as_a_tool():
    """Called, streamed, and many prompts at once, some of which fail."""
    model = Model()
    context = Context(model=model)
    one = await call(llm_call, context, prompt="hello", instructions="be brief")
    assert one.text() == "call Converse: be brief/hello"
    assert (await call(llm_stream, context, prompt="x")).text() == "stream Converse: x"
    many = await call(llm_batch, context, prompts=["a", "fail", *"b" * 20])
    assert many.value[:2] == [{"text": "call Converse: a"}, {"error": "ConnectionError: away"}]
    assert (len(many.value), model.most) == (22, 8)


@pytest.mark.parametrize("tool", [llm_call, llm_stream])
async def test_where_there_is_no_model(tool):
    """It says what to do."""
    assert "Context(model=" in (await call(tool, Context(), prompt="x")).error
