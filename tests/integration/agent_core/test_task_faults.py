"""Tools and answers that go wrong: each is a row, the model is told, and the task goes on."""

import asyncio
import json
import time

import pytest

import queue_imp as q
from reins.llm import ModelError
from reins.tools.declaring import tool
from reins.tools.registry import Registry
from tests.integration.agent_core.tasking import Tasks, tasks
from tests.support import data_folder
from tests.support.handiwork import answer, finished
from tests.support.waiting import until_async

__all__ = ["tasks"]


@tool(risk="low", group="faulty")
async def raises() -> str:
    """Raise what no text can hold."""
    raise RuntimeError("as asked \ud800")


@tool(risk="low", group="faulty", timeout_s=0.1)
async def hangs() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return ""


@tool(risk="low", group="faulty", idempotent=True)
async def large() -> str:
    """Give ten megabytes."""
    return "x" * 10_000_000


@tool(risk="low", group="faulty")
async def binary() -> bytes:
    """Give bytes that are no text."""
    return bytes(range(256))


@tool(risk="low", group="faulty")
async def surrogates() -> str:
    """Give half characters."""
    return "a\ud800b\x00"


@tool(risk="low", group="faulty")
async def exits() -> str:
    """End the program."""
    raise SystemExit(3)


@tool(risk="low", group="faulty")
async def cancels() -> str:
    """Be cancelled from within."""
    raise asyncio.CancelledError


FAULTY = [raises, hangs, large, binary, surrogates, exits, cancels]
ENDS = {
    "raises": "failed", "hangs": "unknown", "large": None, "binary": None, "surrogates": None,
    "exits": "failed", "cancels": "failed",
}  # fmt: skip


@pytest.fixture
async def faulty(data):
    made = Tasks(data)
    made.toolbox.tools = Registry(FAULTY)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_whatever_a_tool_does_is_a_row_and_the_task_goes_on(faulty):
    """Raised, hung, ten megabytes, bytes, half characters, an exit: bounded, and told."""
    faulty.model.answers += [*(answer(name) for name in ENDS), finished()]
    await faulty.task(tools=["faulty"])
    await faulty.until_row("final")
    acts = {call["tool"]: outcome for call, outcome in faulty.acts()}
    assert {name: outcome.get("kind") for name, outcome in acts.items()} == ENDS
    assert "as asked" in acts["raises"]["text"]
    assert acts["large"]["size_bytes"] == 10_000_000
    assert max(len(row["payload"] or "") for row in faulty.log()) < 100_000
    assert faulty.state()["status"] == "completed"
    assert "error" not in faulty.kinds()


async def test_an_answer_that_names_no_tool_or_wrong_arguments_is_sent_back_once(tasks):
    """What is wrong is said; the second answer counts, and the tick is one."""
    wrong = [answer("cuont"), answer("look"), answer("count", word=7), answer("count"), finished()]
    tasks.model.answers += wrong
    await tasks.task()
    await tasks.until_row("final")
    assert [call["tool"] for call, _ in tasks.acts()] == ["look", "count"]
    problems = [asked["problem"] for _, asked in tasks.model.asked if "problem" in asked]
    assert "did you mean" in problems[0].lower()
    assert "word" in problems[1]


async def test_a_model_that_is_away_ends_no_task(tasks):
    """It waits, and thinks again; what was seen is not lost."""
    away = ModelError("the model is away", kind="unreachable", retryable=True)
    tasks.model.answers += [answer("look"), away, answer("count"), finished()]
    await tasks.task()
    await tasks.until_row("final")
    assert tasks.kinds().count("error") == 1
    assert len(tasks.model.asked[-1][1]["steps"]) == 2


async def test_arguments_that_no_row_holds_are_refused(tasks):
    """The model is told to do it in parts; nothing was made."""
    tasks.model.answers += [answer("put", path="x", content="y" * 200_000), finished()]
    await tasks.task()
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert "in parts" in outcome["text"]
    assert tasks.hands.done == []


async def test_a_decision_that_comes_twice_counts_once(tasks):
    """The second is rejected, and the call is made once."""
    tasks.model.answers += [answer("count"), finished()]
    await tasks.task(approvals="ask")
    item = await tasks.until_asked()
    both = await asyncio.gather(tasks.decide(item, "approve"), tasks.decide(item, "reject"))
    assert sorted(each["outcome"] for each in both) == ["applied", "rejected"]
    await tasks.until_row("final")
    assert len(tasks.hands.done) <= 1


async def test_a_newer_code_of_the_type_takes_over_between_thought_and_act(tasks):
    """What was decided is made by the agent that takes its place."""
    tasks.model.held = asyncio.Event()
    tasks.model.answers += [answer("count"), finished()]
    session = await tasks.task()
    await tasks.model.thinking.wait()
    kinds = tasks.types.read()
    changed = tasks.types.take(kinds)
    renewing = asyncio.ensure_future(tasks.sessions.renew(changed))
    await until_async(lambda: session.mailbox, "it is told")
    tasks.model.held.set()
    await renewing
    await tasks.until_row("final")
    assert tasks.hands.done == ["one"]
    thoughts = [json.loads(row["payload"])["thought"] for row in tasks.log()
                if row["kind"] == "tick"]  # fmt: skip
    assert len(thoughts) == 2


async def test_a_tool_that_a_reload_takes_away_ends_no_task(tasks):
    """The others are there; a call of it that waits gets the outcome `unknown_tool`."""
    tasks.model.answers += [answer("count"), answer("look"), finished()]
    await tasks.task(tools=["count", "look"], approvals="ask")
    item = await tasks.until_asked()
    left = [each for each in tasks.hands.registry.tools.values() if each.name != "count"]
    tasks.toolbox.tools = Registry(left)
    await tasks.decide(item, "approve")
    await tasks.until_row("final")
    kinds = [(call["tool"], outcome.get("kind")) for call, outcome in tasks.acts()]
    assert kinds == [("count", "unknown_tool"), ("look", None)]
    assert tasks.item(item["item_id"])["state"] == "stale"
    assert tasks.hands.done == []


async def test_one_that_is_idle_says_so(tasks):
    """In its snapshot, for lists and pages."""
    tasks.model.answers += [finished()]
    await tasks.task(when_finished="idle")
    await until_async(lambda: json.loads(tasks.state()["snapshot"]).get("idle"), "it is idle")
    tasks.model.held = asyncio.Event()
    await tasks.do(q.agent_interrupt, "a", "tester", {"type": "set_goal", "goal": "more"})
    assert "idle" not in json.loads(tasks.state()["snapshot"])


def _boom(*_):
    raise KeyError("boom")


def _sleeps(*_):
    time.sleep(1.0)
    return []


def _hooked(**hooks):
    @tool(risk="medium", group="test", **hooks)
    async def act(word: str = "x") -> str:
        """Act."""
        return "done"

    return Registry([act])


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"touches": _boom}, "looking at the call gave KeyError: 'boom'"),
        ({"riskier": _boom}, "looking at the call gave KeyError: 'boom'"),
        ({"riskier": lambda *_: [("high", "no risk")]}, "looking at the call gave"),
        ({"preview": _boom}, "ready to be shown gave KeyError: 'boom'"),
        ({"preview": lambda *_: 7}, "ready to be shown gave TypeError"),
        ({"preview": lambda *_: {"kind": "text", "text": "\ud800"}}, "ready to be shown gave"),
    ],
    ids=["touches", "riskier", "no risk", "preview", "no mapping", "no text"],
)
async def test_whatever_the_hooks_of_a_tool_raise_is_told(tasks, hooks, said):
    """The call has failed and was not made; the session goes on."""
    tasks.toolbox.tools = _hooked(**hooks)
    tasks.model.answers += [answer("act"), finished()]
    await tasks.task(tools=["act"], approvals="ask")
    await tasks.until_row("final")
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "failed"
    assert said in outcome["text"]
    assert "it was not made" in outcome["text"]
    assert "error" not in tasks.kinds()


@pytest.mark.parametrize("hook", ["touches", "riskier", "preview"])
async def test_a_hook_that_hangs_is_given_up_and_holds_up_nobody(tasks, monkeypatch, hook):
    """It has a time limit, and a thread of its own: the loop goes on."""
    monkeypatch.setattr("reins.tools.toolbox._LOOK_S", 0.2)
    tasks.toolbox.tools = _hooked(**{hook: _sleeps})
    tasks.model.answers += [answer("act"), finished()]
    longest_s = 0.0

    async def watch():
        nonlocal longest_s
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            longest_s = max(longest_s, time.perf_counter() - began)

    watching = asyncio.create_task(watch())
    await tasks.task(tools=["act"], approvals="ask")
    await tasks.until_row("final")
    watching.cancel()
    (_, outcome), *_ = tasks.acts()
    assert outcome["kind"] == "failed"
    assert "took longer than 0.2 s" in outcome["text"]
    assert longest_s < 0.9


async def test_a_preview_of_what_json_cannot_hold_is_shown_as_it_can(tasks):
    """An object becomes its words; a digest of any length is bounded."""
    tasks.toolbox.tools = _hooked(
        preview=lambda *_: {"kind": "fields", "fields": {"a": object}},
        touches=lambda *_: "x" * 9_000,
    )
    tasks.model.answers += [answer("act"), finished()]
    await tasks.task(tools=["act"], approvals="ask")
    item = await tasks.until_asked()
    assert "class" in json.loads(item["preview"])["fields"]["a"]
    assert len(json.loads(tasks.state()["context"])["pending"]["touches"]) < 300
    assert (await tasks.decide(item, "approve"))["outcome"] == "applied"
    await tasks.until_row("final")
    assert tasks.acts()[0][1]["ok"]
