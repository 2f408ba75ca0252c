"""Calls of a task that a person has to decide on: asked, decided, checked again, made once."""

import asyncio
import json

import pytest

import queue_imp as q
from reins.tools.builtin.files import read_file
from reins.tools.registry import Registry
from tests.integration.agent_core.tasking import again, tasks
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

__all__ = ["tasks"]


async def asked(tasks, *answers, **config):
    """The item that a task has asked."""
    tasks.model.answers += answers
    await tasks.task(**({"approvals": "ask"} | config))
    return await tasks.until_asked()


async def test_an_approved_call_is_announced_and_made_once(tasks):
    """asked, decided, intent, tick; the item says that it ran, and in which row."""
    item = await asked(tasks, answer("count"), finished())
    assert tasks.kinds() == ["status", "tick"]
    assert tasks.log()[-1]["text"] == "asks: count"
    waits = json.loads(tasks.state()["waits"])
    assert (waits["kind"], waits["item_id"]) == ("approval", item["item_id"])
    assert tasks.hands.done == []
    assert (await tasks.decide(item, "approve"))["outcome"] == "applied"
    final = await tasks.until_row("final")
    assert tasks.kinds() == ["status", "tick", "guidance", "intent", "tick", "tick", "final"]
    assert tasks.hands.done == ["one"]
    row = tasks.item(item["item_id"])
    assert (row["state"], row["outcome_seq"]) == ("ran", 5)
    assert json.loads(final["state"]).get("waits") is None
    assert len({call["key"] for call, _ in tasks.acts()}) == 1


async def test_low_risk_runs_and_higher_asks_as_the_configuration_says(tasks):
    """`ask_all` asks about reads too, `deny` refuses what is riskier, and says so to the model."""
    item = await asked(tasks, answer("look"), answer("count"), finished(), approvals="ask_all")
    assert item["tool"] == "look"
    await tasks.do(q.agent_destroy_action, "a", "tester")
    tasks.model.answers = [answer("look"), answer("count"), finished()]
    await tasks.task(approvals="deny")
    await until_async(lambda: tasks.state()["status"] == "completed", "the end")
    (_, looked), (_, counted) = tasks.acts()[-2:]
    assert looked["ok"]
    assert counted["kind"] == "denied"
    assert tasks.hands.done == []


async def test_a_rejected_call_is_refused_by_code_from_then_on(tasks):
    """The model is told who rejected it and why; the same call again does not ask again."""
    item = await asked(tasks, answer("count"), answer("count"), answer("count", word="two"))
    await tasks.decide(item, "reject", reason="no counting")
    await until_async(lambda: len(tasks.acts()) == 2, "it was tried again")
    (_, first), (_, second) = tasks.acts()
    assert (first["kind"], second["kind"]) == ("rejected", "denied")
    assert "no counting" in second["text"]
    assert "no counting" in tasks.model.asked[-1][1]["rejections"][0]
    other = await tasks.until_asked()
    assert json.loads(other["args"])["word"] == "two"
    assert tasks.hands.done == []


async def test_edited_arguments_are_checked_and_used(tasks):
    """Those that do not fit are rejected with what is wrong, and the item stays open."""
    item = await asked(tasks, answer("count"), finished())
    got = await tasks.decide(item, "edit", args={"word": 7})
    assert got["outcome"] == "rejected"
    assert "word" in got["error"]
    got = await tasks.decide(item, "edit", args={"word": "seven"})
    assert got["outcome"] == "applied", got
    await tasks.until_row("final")
    assert tasks.hands.done == ["seven"]
    call, _ = tasks.acts()[0]
    assert call["arguments"] == {"word": "seven"}


async def test_a_call_whose_object_has_changed_is_stale(tasks):
    """What it would change is another since it was asked: it is not made, and thought of anew."""
    tasks.hands.place = "before"
    item = await asked(tasks, answer("replace", path="x"), finished())
    tasks.hands.place = "after"
    await tasks.decide(item, "approve")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "stale"
    assert tasks.item(item["item_id"])["state"] == "stale"
    assert tasks.hands.done == []


async def test_a_question_is_answered(tasks):
    """The answer is the call's result."""
    item = await asked(tasks, answer("ask_person", question="Which one?"), finished())
    assert item["kind"] == "question"
    assert json.loads(tasks.state()["waits"])["kind"] == "question"
    await tasks.decide(item, "answer", text="the left one")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["text"] == "the left one"
    assert "the left one" in tasks.model.asked[-1][1]["steps"][-1]


async def test_expiry_is_no_rejection(tasks):
    """Nobody decides in time: the model is told so, and the same call asks again."""
    await asked(tasks, answer("count"), answer("count"), decide_within_s=0.3)
    await until_async(tasks.acts, "it expired")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "expired"
    await tasks.until_asked()


async def test_a_rule_allows_from_then_on_but_never_what_is_high(tasks):
    """An approval that is remembered asks no more; a call of high risk asks each time."""
    item = await asked(
        tasks, answer("count"), answer("count", word="two"), answer("danger"), finished()
    )
    got = await tasks.decide(item, "approve", remember={"scope": "session", "anything": True})
    assert got["outcome"] == "applied", got
    item = await tasks.until_asked()
    assert item["tool"] == "danger"
    assert tasks.hands.done == ["one", "two"]
    got = await tasks.decide(item, "approve", remember={"scope": "session"})
    assert got["outcome"] == "rejected"


async def test_after_material_from_outside_outward_calls_count_one_higher(tasks):
    """`send` is low and runs; once `fetch` has brought something in, it asks."""
    item = await asked(
        tasks, answer("send", text="a"), answer("fetch", url="http://x"), answer("send", text="b")
    )
    assert tasks.hands.done == ["a"]
    assert item["risk"] == "medium"
    assert any("outside" in each for each in json.loads(item["reasons"]))


class OneFolder:
    """The same workspace for every session."""

    def __init__(self, folder):
        self.folder = folder

    def open_for(self, session_id, asked):
        return self.folder

    def results_of(self, session_id):
        return self.folder.parent / "results"


async def test_rules_are_asked_about_where_a_link_leads(tasks, tmp_path):
    """The item has both paths; an approval is stale once the link leads elsewhere."""
    work = tmp_path / "work"
    (work / "secret").mkdir(parents=True)
    (work / "plain").mkdir()
    (work / "docs").symlink_to("secret")
    tasks.toolbox.tools, tasks.toolbox.folders = Registry([read_file]), OneFolder(work)
    item = await asked(
        tasks, answer("read_file", path="docs/a"), finished(), tools=["read_file"],
        approvals="ask_all",
    )  # fmt: skip
    assert json.loads(item["aspects"])["paths"] == ["docs/a", "secret/a"]
    (work / "docs").unlink()
    (work / "docs").symlink_to("plain")
    assert (await tasks.do(q.inbox_decide, item["item_id"], "ann", "approve"))["outcome"] == (
        "applied"
    )
    await until_async(lambda: q.inbox_items("stale"), "it is stale")


async def test_waiting_takes_no_time_of_the_budget_and_no_ticks(tasks):
    """The tick that asked has ended; nothing runs until the decision."""
    item = await asked(tasks, answer("count"), finished(), budget={"session": {"wall_s": 5}})
    session = tasks.sessions.live["a"]
    worked_s, seq = session.worked_s, session.seq
    await asyncio.sleep(0.3)
    assert (session.worked_s, session.seq) == (worked_s, seq)
    assert not session.scope.busy
    await tasks.decide(item, "approve")
    await tasks.until_row("final")


@pytest.mark.parametrize("mode", ["steer", "now"])
async def test_guidance_while_it_waits(tasks, mode):
    """In mode now the call is withdrawn and thought of anew; else the decision is waited for."""
    item = await asked(tasks, answer("count"), finished())
    await tasks.do(q.agent_interrupt, "a", "tester", "something else", mode=mode)
    if mode == "steer":
        await asyncio.sleep(0.1)
        assert len(tasks.model.asked) == 1
        await tasks.decide(item, "approve")
    await tasks.until_row("final")
    state = tasks.item(item["item_id"])["state"]
    assert state == ("ran" if mode == "steer" else "withdrawn")
    assert tasks.hands.done == (["one"] if mode == "steer" else [])
    assert tasks.model.asked[-1][1]["guidance"] == ["something else"]


async def test_a_decision_during_a_pause_is_done_after_it(tasks):
    """The wait for approval outlives a pause; the call is made when the session goes on."""
    item = await asked(tasks, answer("count"), finished())
    await tasks.do(q.agent_pause_action, "a", "tester")
    await tasks.decide(item, "approve")
    await asyncio.sleep(0.1)
    assert tasks.hands.done == []
    await tasks.do(q.agent_resume_action, "a", "tester")
    await tasks.until_row("final")
    assert tasks.hands.done == ["one"]


async def test_a_resume_makes_no_call_that_waits_for_a_decision(tasks):
    """Nor does guidance that only sets tools."""
    await asked(tasks, answer("count"), finished())
    await tasks.do(q.agent_resume_action, "a", "tester")
    await asyncio.sleep(0.1)
    assert tasks.hands.done == []
    assert len(tasks.model.asked) == 1


async def test_an_approval_outlives_a_restart_before_and_after_the_decision(tasks):
    """Asked, killed, decided, killed, done once."""
    item = await asked(tasks, answer("count"))
    await tasks.stop(grace_s=0)
    made = await again(tasks, finished())
    try:
        assert made.hands.done == []
        await made.decide(item, "approve")
        await made.until_row("final")
        assert made.hands.done == ["one"]
        assert made.item(item["item_id"])["state"] == "ran"
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_an_approved_call_that_may_have_been_begun_is_unknown(tasks):
    """Killed in the middle of it: not repeated, and the item says so."""
    item = await asked(tasks, answer("slow"))
    await tasks.decide(item, "approve")
    await tasks.hands.begun.wait()
    await tasks.stop(grace_s=0)
    made = await again(tasks, finished())
    try:
        await made.until_row("final")
        (_, outcome), *_ = made.acts()
        assert outcome["kind"] == "unknown"
        assert made.item(item["item_id"])["state"] == "unknown"
    finally:
        await made.stop()
        await tasks.start("start-3")


async def test_a_decision_after_the_session_is_destroyed_is_rejected(tasks):
    """Its items are withdrawn with it."""
    item = await asked(tasks, answer("count"))
    await tasks.do(q.agent_destroy_action, "a", "tester")
    assert (await tasks.decide(item, "approve"))["outcome"] == "rejected"
    assert tasks.item(item["item_id"])["state"] == "withdrawn"
    assert tasks.hands.done == []
