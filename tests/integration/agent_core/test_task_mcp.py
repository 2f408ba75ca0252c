"""Task sessions with tools of an MCP server: called, asking a person, and across a restart."""

import asyncio
import json

import pytest

import queue_imp as q
from reins.tools.registry import Registry
from tests.integration.agent_core.tasking import Tasks
from tests.integration.tools.mcp.conftest import Having, lines, raw
from tests.support import data_folder
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async


@pytest.fixture
async def having(tmp_path):
    made = Having(tmp_path)
    made.server = tmp_path / "one"
    said = {"ask": {"outward": False}}
    await made.take(one=raw(made.server, "--era", "new", tools=said))
    await made.until("one")
    yield made
    await made.servers.stop()


@pytest.fixture
async def tasks(data, having):
    made = Tasks(data)
    made.toolbox.tools = having.servers.beside(Registry(()))
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def begun(tasks, *answers, **config):
    tasks.model.answers += answers
    return await tasks.task(**({"tools": ["mcp_one"], "approvals": "allow_medium"} | config))


async def test_a_session_calls_a_tool_of_a_server(tasks, having):
    """Its result counts as material from outside, so what goes out after it asks."""
    await begun(tasks, answer("one__echo", text="salut"), answer("one__append", text="x"))
    item = await tasks.until_asked()
    (call, outcome) = tasks.acts()[0]
    assert (call["tool"], outcome["text"]) == ("one__echo", "salut")
    assert (item["tool"], item["risk"]) == ("one__append", "high")
    assert "after material from outside has come in" in item["reasons"]
    assert lines(having.server, "calls") == ["echo salut"]


async def test_a_server_that_asks_a_person_asks_in_the_inbox(tasks, having):
    """The tick ends with the question; with the answer the call goes on where it was."""
    await begun(tasks, answer("one__ask"), finished())
    item = await tasks.until_asked()
    assert (item["kind"], item["tool"]) == ("question", "one__ask")
    assert json.loads(item["args"])["question"] == (
        "MCP server one asks: Which colour? (colour: string)"
    )
    assert json.loads(tasks.state()["waits"])["kind"] == "question"
    assert (await tasks.decide(item, "answer", text="blue"))["outcome"] == "applied"
    await tasks.until_row("final")
    (_, asked), (call, outcome) = tasks.acts()
    assert (asked["kind"], outcome["text"]) == ("asks", "painted blue")
    assert call["tool"] == "one__ask"
    assert len(lines(having.server, "calls")) == 2
    assert tasks.item(item["item_id"])["state"] == "answered"


async def test_a_question_that_nobody_answers_is_told_to_the_model(tasks, having):
    """The call does not go on; it may be made again, and asks again then."""
    await begun(tasks, answer("one__ask"), answer("one__ask"), finished())
    item = await tasks.until_asked()
    await tasks.decide(item, "reject", reason="not mine to say")

    def others():
        return [e for e in q.inbox_items(session_id="a") if e["item_id"] != item["item_id"]]

    [again] = await until_async(others, "it asks again")
    (_, outcome) = tasks.acts()[1]
    assert outcome["kind"] == "rejected"
    assert "not mine to say" in outcome["text"]
    await tasks.decide(again, "answer", text="red")
    await tasks.until_row("final")
    assert tasks.acts()[-1][1]["text"] == "painted red"


async def test_an_answer_reaches_a_server_that_was_started_anew(tasks, having):
    """It does not know its own state any more: it is called anew, and answered the same."""
    await begun(tasks, answer("one__ask"), finished())
    item = await tasks.until_asked()
    await tasks.stop()
    await having.servers.stop()
    having.anew()
    await having.take(one=raw(having.server, "--era", "new"))
    await having.until("one")
    other = Tasks(tasks.folder, finished())
    other.toolbox.tools = having.servers.beside(Registry(()))
    await other.start("start-2")
    try:
        await other.decide(item, "answer", text="green")
        await other.until_row("final")
        assert other.acts()[-1][1]["text"] == "painted green"
    finally:
        await other.stop()
