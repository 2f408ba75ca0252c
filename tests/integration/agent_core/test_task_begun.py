"""Calls of a task that were begun and have no result: the log never says more than is known."""

import asyncio
import os
import time

import pytest

import queue_imp as q
from reins.tools.builtin.commands import run_command
from reins.tools.builtin.files import write_file
from reins.tools.declaring import tool
from reins.tools.registry import Registry
from reins.tools.sandbox.probing import probe
from reins.tools.sandbox.surroundings import owner
from tests.integration.agent_core.tasking import again, tasks
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

__all__ = ["tasks"]


class Folders:
    """Workspaces below one folder."""

    def __init__(self, at):
        self.at = at

    def open_for(self, session_id, asked):
        made = self.at / (asked or session_id)
        made.mkdir(parents=True, exist_ok=True)
        return made

    def results_of(self, session_id):
        return self.at / f".{session_id}"


class Paying:
    """Tools that act, and then take a while."""

    def __init__(self):
        self.done, self.begun = [], []
        self.registry = Registry([*self._tools()])

    def _tools(self):
        @tool(risk="medium", group="paying")
        async def pay(word: str = "x") -> str:
            """Pay, and then wait for the receipt."""
            self.done.append(word)
            await asyncio.sleep(60)
            return "paid"

        @tool(risk="medium", group="paying")
        def pay_slowly(word: str = "x") -> str:
            """Pay, a while after it is asked to; in a thread."""
            self.begun.append(word)
            time.sleep(1)
            self.done.append(word)
            return "paid"

        @tool(risk="medium", group="paying", timeout_s=0.2)
        def pay_late(word: str = "x") -> str:
            """Pay, after its time is over."""
            time.sleep(0.6)
            self.done.append(word)
            return "paid"

        return pay, pay_slowly, pay_late


@pytest.fixture
def paying(tasks):
    made = Paying()
    tasks.toolbox.tools = made.registry
    return made


async def test_a_call_that_had_acted_when_it_was_given_up_is_unknown(tasks, paying):
    """`pay` has paid when guidance ends it: the model is told to look first, the item says so."""
    tasks.model.answers += [answer("pay"), finished()]
    await tasks.task(tools=["paying"], approvals="ask")
    item = await tasks.until_asked()
    await tasks.decide(item, "approve")
    await until_async(lambda: paying.done, "it has paid")
    await tasks.do(q.agent_interrupt, "a", "ann", "leave that", mode="now")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "unknown"
    assert "nobody knows whether it was done. Look first" in outcome["text"]
    assert outcome["took_s"] > 0
    assert "Look first" in tasks.model.asked[-1][1]["steps"][-1]
    assert tasks.item(item["item_id"])["state"] == "unknown"


async def test_a_thread_that_outlives_a_destroy_is_said_to_go_on(tasks, paying):
    """It cannot be stopped: the row says so, and it acts later."""
    tasks.model.answers += [answer("pay_slowly")]
    await tasks.task(tools=["paying"])
    await until_async(lambda: paying.begun, "it runs")
    assert (await tasks.do(q.agent_destroy_action, "a", "ann"))["outcome"] == "applied"
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "unknown"
    assert "cannot be stopped, and goes on" in outcome["text"]
    assert paying.done == []
    await until_async(lambda: paying.done, "it acts all the same")


async def test_a_call_that_is_out_of_time_may_be_done_all_the_same(tasks, paying):
    """Its thread goes on: not `timeout`, which would be done again."""
    tasks.model.answers += [answer("pay_late"), finished()]
    await tasks.task(tools=["paying"])
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "unknown"
    assert "longer than 0.2 s; it cannot be stopped, and goes on; nobody knows" in outcome["text"]
    await until_async(lambda: paying.done, "it acts all the same")


async def test_a_command_that_is_killed_may_have_done_a_part(tasks, tmp_path):
    """It is `cancelled`, since nothing of it goes on; the model is told to look first."""
    confinement = await probe()
    if not confinement.confined:
        pytest.skip(f"nothing confines commands here: {confinement.detail}")

    async def confine():
        return confinement

    folder = tmp_path / "ws" / "a"
    folder.mkdir(parents=True)
    if (user := owner()) is not None:
        os.chown(folder, user, user)
    tasks.toolbox.tools, tasks.toolbox.folders = Registry([run_command]), Folders(folder.parent)
    tasks.toolbox.confine = confine
    line = "touch begun; sleep 60"
    tasks.model.answers += [answer("run_command", argv=["sh", "-c", line]), finished()]
    await tasks.task(tools=["run_command"], approvals="ask")
    item = await tasks.until_asked()
    await tasks.decide(item, "approve")
    await until_async((folder / "begun").exists, "it runs")
    await tasks.do(q.agent_interrupt, "a", "ann", "leave that", mode="now")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "cancelled"
    assert "it was killed, and may have done a part of it. Look first" in outcome["text"]
    assert outcome["took_s"] > 0
    assert tasks.item(item["item_id"])["state"] == "unknown"


async def killed_before(tasks, folder, then, *, content="agent"):
    """An approved write whose worker ends before it; what is there is `then` at the next start."""

    async def dies(tool, arguments, around):
        await asyncio.Event().wait()

    tasks.toolbox.tools, tasks.toolbox.folders = Registry([write_file]), Folders(folder)
    tasks.toolbox.act = dies
    tasks.model.answers += [answer("write_file", path="n.txt", content=content)]
    await tasks.task(tools=["write_file"], approvals="ask")
    item = await tasks.until_asked()
    await tasks.decide(item, "approve")
    await tasks.until_row("intent")
    await tasks.stop(grace_s=0)
    if then is not None:
        (folder / "a" / "n.txt").write_text(then)
    made = type(tasks)(tasks.folder, finished())
    made.toolbox.tools, made.toolbox.folders = Registry([write_file]), Folders(folder)
    await made.start("start-2")
    await made.until_row("final")
    return made, item


@pytest.mark.parametrize("then", [None, "agent"], ids=["as it was", "as the call leaves it"])
async def test_an_idempotent_call_is_made_again_where_things_are_as_they_were(
    tasks, tmp_path, then
):
    """Or as the call itself leaves them: it may have been made before the worker ended."""
    made, item = await killed_before(tasks, tmp_path / "ws", then)
    try:
        (_, outcome), *_ = made.acts()
        assert outcome["ok"]
        assert (tmp_path / "ws" / "a" / "n.txt").read_text() == "agent"
        assert made.item(item["item_id"])["state"] == "ran"
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_one_is_not_made_again_over_what_a_person_has_put_there(tasks, tmp_path):
    """It was approved for what was there: nothing is overwritten, and the model is told to look."""
    made, item = await killed_before(tasks, tmp_path / "ws", "a person wrote this")
    try:
        (_, outcome), *_ = made.acts()
        assert outcome["kind"] == "unknown"
        assert "has been changed since" in outcome["text"]
        assert (tmp_path / "ws" / "a" / "n.txt").read_text() == "a person wrote this"
        assert made.item(item["item_id"])["state"] == "unknown"
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_one_is_not_made_again_where_nobody_allows_it_any_more(tasks, monkeypatch):
    """Begun by the word of a rule that is revoked by the next start."""
    held = asyncio.Event()
    act = tasks.toolbox.act

    async def dies_at_the_second(tool, arguments, around):
        if tasks.hands.done:
            held.set()
            await asyncio.Event().wait()
        return await act(tool, arguments, around)

    tasks.toolbox.act = dies_at_the_second
    tasks.model.answers += [answer("put", path="x"), answer("put", path="x", content="y")]
    await tasks.task(approvals="ask")
    item = await tasks.until_asked()
    await tasks.decide(item, "approve", remember={"scope": "session", "anything": True})
    await held.wait()
    await tasks.stop(grace_s=0)
    monkeypatch.setattr("agent_core.inbox.rules.Rules.decide", lambda *_: None)
    made = await again(tasks, finished())
    try:
        await made.until_row("final")
        *_, (_, outcome) = made.acts()
        assert outcome["kind"] == "unknown"
        assert "nobody allows such calls any more" in outcome["text"]
        assert made.hands.done == []
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_a_goal_that_takes_another_s_place_hides_no_call_that_was_begun(tasks, paying):
    """The worker ends in the middle of `pay`, while a pause waits for it; then the goal is replaced
    before the session is resumed.
    """

    async def dies(tool, arguments, around):
        paying.done.append("x")
        await asyncio.Event().wait()

    tasks.toolbox.act = dies
    tasks.model.answers += [answer("pay")]
    await tasks.task(tools=["paying"], approvals="ask")
    item = await tasks.until_asked()
    await tasks.decide(item, "approve")
    await until_async(lambda: paying.done, "it has paid")
    q.agent_pause_action("a", "ann")
    await until_async(lambda: tasks.state()["status"] == "pausing", "the pause waits")
    await tasks.stop(grace_s=0)
    made = type(tasks)(tasks.folder, finished())
    made.toolbox.tools = paying.registry
    await made.start("start-2")
    try:
        await until_async(lambda: made.state()["status"] == "paused", "it is paused")
        goal = {"type": "set_goal", "goal": "another", "when_busy": "replace"}
        await made.do(q.agent_interrupt, "a", "ann", goal)
        await made.do(q.agent_resume_action, "a", "ann")
        await made.until_row("final")
        (_, outcome), *_ = made.acts()
        assert outcome["kind"] == "unknown"
        assert "the goal was replaced; it was begun" in outcome["text"]
        assert "Look first" in made.model.asked[-1][1]["steps"][-1]
        assert made.item(item["item_id"])["state"] == "unknown"
        assert paying.done == ["x"]
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_an_item_whose_call_was_refused_did_not_run(tasks):
    """Approved, and then beyond the budget: the tool was never called, and the item says so."""
    tasks.model.answers += [answer("count"), finished()]
    await tasks.task(approvals="ask", tool_budget={"calls": 0})
    item = await tasks.until_asked()
    await tasks.decide(item, "approve")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert (outcome["kind"], outcome["attempts"]) == ("budget", 0)
    assert tasks.item(item["item_id"])["state"] == "stale"
    assert tasks.hands.done == []
