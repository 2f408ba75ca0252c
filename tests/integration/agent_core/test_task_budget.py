"""The budget of a task's tools: so many calls, seconds, bytes and so much money in its life."""

import asyncio
import json

import pytest

from reins.tools.declaring import tool
from reins.tools.registry import Registry
from tests.integration.agent_core.tasking import again, tasks
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

__all__ = ["tasks"]


@tool(risk="low", group="costly", money_usd=0.5)
async def cost(word: str) -> str:
    """Take a while, and give 100 bytes for half a dollar."""
    del word
    await asyncio.sleep(0.05)
    return "x" * 100


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"calls": 2}, "calls 2 of 2"),
        ({"seconds": 0.08}, "seconds 0."),
        ({"size_bytes": 150}, "size_bytes 200 of 150"),
        ({"money_usd": 1.0}, "money_usd 1 of 1"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
async def test_each_limit_ends_the_calls_and_is_told(tasks, limit, says):
    """The third call is not made: the outcome is `budget`, and the model reads why."""
    tasks.toolbox.tools = Registry([cost])
    tasks.model.answers += [*(answer("cost", word=str(n)) for n in range(3)), finished()]
    await tasks.task(tools=["cost"], tool_budget=limit)
    await tasks.until_row("final")
    assert [outcome.get("kind") for _, outcome in tasks.acts()] == [None, None, "budget"]
    assert says in tasks.model.asked[-1][1]["steps"][-1]


async def test_what_is_spent_outlives_a_restart(tasks):
    """One call before it, one after it; the third is not made."""
    tasks.toolbox.tools = Registry([cost])
    tasks.model.answers += [answer("cost", word="1")]
    await tasks.task(tools=["cost"], tool_budget={"calls": 2})
    await until_async(tasks.acts, "the first")
    await tasks.stop()
    spent = json.loads(tasks.state()["context"])["spent"]
    assert (spent["calls"], spent["size_bytes"], spent["money_usd"]) == (1, 100, 0.5)
    made = type(tasks)(tasks.folder, answer("cost", word="2"), answer("cost", word="3"), finished())
    made.toolbox.tools = Registry([cost])
    await made.start("start-2")
    try:
        await made.until_row("final")
        kinds = [outcome.get("kind") for _, outcome in made.acts()]
        assert kinds == [None, None, "budget"]
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_a_call_that_may_have_been_made_counts(tasks):
    """The worker ended in it; with a budget of one no other follows."""
    tasks.model.answers += [answer("slow")]
    await tasks.task(tool_budget={"calls": 1})
    await tasks.hands.begun.wait()
    await tasks.stop(grace_s=0)
    made = await again(tasks, answer("count"), finished())
    try:
        await made.until_row("final")
        assert [outcome["kind"] for _, outcome in made.acts()] == ["unknown", "budget"]
        assert made.hands.done == []
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_an_impossible_budget_is_refused(tasks):
    """With the field's name."""
    with pytest.raises(AssertionError, match="tool_budget"):
        await tasks.task(tool_budget={"calls": -1})
