"""Calls of a task that a person has to decide on: asked, decided, checked again, made once."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.inbox.fixed import Fixed
from agent_core.inbox.item import aspects_of
from agent_core.inbox.rules import Rule
from agents_impl.task.calls import digest
from reins.tools.builtin.commands import run_command, run_python
from reins.tools.builtin.files import read_file
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.registry import Registry
from store import approval_rules
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
    assert waits["reason"] == "count"
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
    assert [row["text"] for row in tasks.log() if row["kind"] == "guidance"] == [
        "rejected: count (no counting)"
    ]
    assert (first["kind"], second["kind"]) == ("rejected", "denied")
    assert "no counting" in second["text"]
    assert "no counting" in tasks.model.asked[-1][1]["rejections"][0]
    other = await tasks.until_asked()
    assert json.loads(other["args"])["word"] == "two"
    assert tasks.hands.done == []


@pytest.mark.parametrize("remember", [None, {"scope": "session"}])
async def test_a_rejected_call_is_the_same_with_its_defaults_spelled_out(tasks, remember):
    """`count` and `count one` are one call: refused by the rejection, and by the rule."""
    item = await asked(tasks, answer("count"), answer("count", word="one"))
    await tasks.decide(item, "reject", remember=remember)
    await until_async(lambda: len(tasks.acts()) == 2, "it was tried again")
    assert tasks.acts()[1][1]["kind"] == "denied"
    assert q.inbox_items(session_id="a") == []


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


@pytest.mark.parametrize("approvals", ["ask", "allow_medium"])
async def test_a_shell_that_reads_its_input_asks_each_time(tasks, approvals):
    """No configuration and no rule lets a command go that runs another."""
    tasks.toolbox.tools = Registry([run_command])
    evil = answer("run_command", argv=["sh"], stdin="id -u; rm -rf *")
    item = await asked(tasks, evil, tools=["run_command"], approvals=approvals)
    assert (item["tool"], item["risk"]) == ("run_command", "high")
    got = await tasks.decide(item, "approve", remember={"scope": "session"})
    assert "is never remembered" in got["error"]


async def test_not_any_code_is_allowed_at_once(tasks):
    """A rule allows the code that was seen; what will be written later, nobody has."""
    tasks.toolbox.tools = Registry([run_python])
    item = await asked(tasks, answer("run_python", code="print(1)"), tools=["run_python"])
    got = await tasks.decide(item, "approve", remember={"scope": "session", "anything": True})
    assert "but not anything" in got["error"]


async def test_a_long_command_is_asked_about(tasks):
    """Its tokens are in the item once, so that the longest that may be called may be asked."""
    tasks.toolbox.tools = Registry([run_command])
    argv = ["echo", *["x" * 50_000] * 3]
    item = await asked(tasks, answer("run_command", argv=argv), tools=["run_command"])
    assert json.loads(item["args"])["argv"] == argv
    assert aspects_of(item).argv == tuple(argv)
    assert len(item["aspects"]) < 1_000


async def test_what_is_too_large_to_be_asked_about_is_told_to_the_model(tasks):
    """The call fails, not the tick, and the model can do it in another way."""
    path = "x" * 170_000
    await asked(tasks, answer("put", path=path), answer("count"))
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "failed"
    assert "a person cannot be asked about it: the item has" in outcome["text"]
    assert "error" not in tasks.kinds()


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
    await until_async(lambda: session.seq == tasks.log("a")[-1]["seq"])
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


# What was allowed may not be any more.


async def test_words_of_a_page_come_in_by_an_error_too(tasks):
    """A page that is brought in as an error has been brought in: what goes out asks from then on,
    and the model is told from where the words are.
    """

    @tool(risk="low", idempotent=True, attempts=1, group="test", brings_in=True)
    async def fetch(url: str) -> str:
        """Bring in a page, which is an error."""
        raise ToolError(f"{url} said: obey")

    send = tasks.hands.registry.tools["send"]
    tasks.toolbox.tools = Registry([fetch, send])
    item = await asked(tasks, answer("fetch", url="http://x"), answer("send", text="b"))
    assert (item["tool"], item["risk"]) == ("send", "medium")
    assert tasks.hands.done == []
    [step] = tasks.model.asked[-1][1]["steps"]
    assert "obey" in step
    assert '"from_outside": true' in step


@pytest.mark.parametrize("rises", ["spec", "risk"])
async def test_an_approval_is_for_the_tool_as_it_was(tasks, rises):
    """A reload puts another tool in its place, or one of higher risk: the approval is stale."""

    def made(risk, **parts):
        @tool(name="act", risk=risk, group="test", **parts)
        async def act(word: str) -> str:
            """Act."""
            tasks.hands.done.append(f"{risk} {word}")
            return "done"

        return act

    tasks.toolbox.tools = Registry([made("medium")])
    item = await asked(tasks, answer("act", word="w"), finished())
    other = made("high") if rises == "risk" else made("medium", description="Delete it all.")
    tasks.toolbox.tools = Registry([other])
    await tasks.decide(item, "approve")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "stale"
    assert tasks.item(item["item_id"])["state"] == "stale"
    assert tasks.hands.done == []


async def paused_after_its_intent(tasks, allowed):
    """A second call, which a rule allows, is announced; the pause comes before it is begun."""
    tasks.model.held = asyncio.Event()
    tasks.model.thinking.clear()
    tasks.model.answers += [answer("count", word="two"), finished()]
    await tasks.decide(allowed, "approve", remember={"scope": "session", "anything": True})
    await tasks.model.thinking.wait()
    paused = asyncio.ensure_future(tasks.do(q.agent_pause_action, "a", "tester"))
    await until_async(lambda: tasks.log()[-1]["text"] == "pausing", "pausing")
    tasks.model.held.set()
    assert (await paused)["outcome"] == "applied"
    assert tasks.hands.done == ["one"]
    tasks.model.held = None


async def test_a_rule_that_is_revoked_lets_nothing_through_any_more(tasks):
    """Not even the call that it had allowed, which was on record already: it asks."""
    item = await asked(tasks, answer("count"))
    await paused_after_its_intent(tasks, item)
    [rule] = approval_rules.list_rules()
    got = await tasks.do(q.rule_revoke, rule["rule_id"], "bob")
    assert got["outcome"] == "applied"
    await tasks.do(q.agent_resume_action, "a", "tester")
    second = await tasks.until_asked()
    assert tasks.hands.done == ["one"]
    await tasks.decide(second, "approve")
    await tasks.until_row("final")
    assert tasks.hands.done == ["one", "two"]


async def test_a_rule_that_is_revoked_while_the_call_is_announced(tasks, monkeypatch):
    """Between its row and its beginning: it is not begun, and asks."""
    item = await asked(tasks, answer("count"), answer("count", word="two"))
    rules, decide = tasks.inbox.rules, tasks.inbox.rules.decide

    def revoked_once_announced(call):
        seen = tasks.kinds().count("intent")
        return None if seen == 2 else decide(call)

    monkeypatch.setattr(rules, "decide", revoked_once_announced)
    await tasks.decide(item, "approve", remember={"scope": "session", "anything": True})
    second = await tasks.until_asked()
    assert json.loads(second["args"])["word"] == "two"
    assert tasks.hands.done == ["one"]
    assert json.loads(tasks.state()["context"])["pending"]["begun"] is False


async def test_a_rule_that_denies_goes_before_an_approval_that_waits(tasks):
    """Approved during a pause, denied by a rule before it was begun: it is not made."""
    item = await asked(tasks, answer("count"), finished())
    await tasks.do(q.agent_pause_action, "a", "tester")
    await tasks.decide(item, "approve")
    count = tasks.hands.registry.tools["count"]
    denies = Rule(
        rule_id="rule_1", effect="deny", scope="type", scope_id="task", tool="count",
        spec=digest(count.spec()), fixed=Fixed(anything=True), item_id="", created_by="bob",
        created_at=1,
    )  # fmt: skip
    tasks.inbox.rules.add(denies)
    await tasks.do(q.agent_resume_action, "a", "tester")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "denied"
    assert tasks.hands.done == []
    assert tasks.item(item["item_id"])["state"] == "stale"
