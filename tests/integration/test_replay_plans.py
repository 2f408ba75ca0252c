"""A session of a plan done again from its record gives the same log: each end in its order."""

import asyncio
import json

import pytest

import queue_imp as q
from agents import Runtime
from reins.history import recording as replay
from reins.plans import Task, parallel, sequence, to_data
from reins.plans.tree import live
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.evidence import list_evidence
from tests.support import replayed_actions
from tests.support.model_stub import ModelStub, answers
from tests.support.waiting import until

MODULES = ["tests.support.replayed_actions"]


def run(recording):
    return asyncio.run(replay.replay(recording, plans=MODULES))


def test_a_plan_with_everything_is_done_again(tmp_path, monkeypatch):
    """Branches that ask the same, a race whose loser has asked, an attempt after a wait, a choice
    of a person, guidance, a pause, what is begun again at once and after a restart."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording = asyncio.run(_live(monkeypatch))
    final = json.loads(recording["rows"][-1]["payload"])["result"]["payload"]["state"]
    assert {final["a"], final["b"]} == {"one", "two"}
    assert final["x"] == final["last"] == ["be brief", "be kind"]
    assert final["y"] == ["be brief"]
    done = run(recording)
    assert done.differences == []
    changed = json.loads(json.dumps(recording))
    call = next(each for each in changed["calls"] if each["node"] == "/0/0")
    call["answer"] = "three"
    assert any("told three" in line for line in run(changed).differences)


async def _live(monkeypatch):
    replayed_actions.GATES.clear()
    gates = {name: asyncio.Event() for name in ("wins", "slow", "x", "y")}
    replayed_actions.GATES.update(gates)
    async with ModelStub() as stub:
        for text in ("two", "one", "I am here"):
            stub.replies.append(answers(text))
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        settings = load_settings(plans=MODULES)
        runtime = await _started(settings)
        config = {"name": "everything"}
        await _done(q.agent_create("p", "ann", agent_type="plan", config=config))
        await _live_at("/2/0")
        await _done(q.agent_interrupt("p", "ann", "be brief", mode="now"))
        order = {"type": "choose", "path": "/2", "item": 1}
        await _done(q.agent_interrupt("p", "ann", order))
        await _live_at("/3/1")
        await _done(q.agent_interrupt("p", "ann", "be kind"))
        await _done(q.agent_interrupt("p", "ann", {"type": "retry", "path": "/3/0"}))
        paused = q.agent_pause_action("p", "ann")
        gates["x"].set()
        gates["y"].set()
        await _done(paused)
        await runtime.stop()
        runtime = await _started(settings)
        await _done(q.agent_resume_action("p", "ann"))
        await asyncio.to_thread(until, lambda: get_agent_state("p")["status"] == "completed")
        await runtime.stop()
    return replay.record("p")


async def _started(settings):
    runtime = Runtime(settings)
    await runtime.start()
    return runtime


async def _done(receipt):
    outcome = await asyncio.to_thread(q.wait_for_action, receipt)
    assert outcome["outcome"] == "applied", outcome


async def _live_at(path):
    """Waits until a task of this path is live, as the newest row has it."""

    def is_live():
        state = json.loads(list_steps("p")[-1]["state"])["agent"]
        return state.get("tree") and path in live(state["tree"])

    await asyncio.to_thread(until, is_live)


@pytest.mark.parametrize("again", [None, "retry", "now"])
def test_an_answer_before_a_row_and_an_end_after_it_are_done_again(tmp_path, monkeypatch, again):
    """The tokens of the answer are in the row of another task's end, or of guidance; of a task that
    was begun again since then, the later answer counts."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    replayed_actions.GATES.clear()
    names = ("long", "long asked", "short", "shorter")

    async def lived():
        gates = {name: asyncio.Event() for name in names}
        replayed_actions.GATES.update(gates)
        async with ModelStub() as stub:
            stub.replies += [answers("one"), answers("two")]
            monkeypatch.setenv("REINS_MODEL", "m")
            monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
            runtime = await _started(load_settings(plans=MODULES))
            config = {"name": "between"}
            await _done(q.agent_create("p", "ann", agent_type="plan", config=config))
            await asyncio.wait_for(gates["long asked"].wait(), 20)
            gates["short"].set()
            await _live_at("/1/1")
            if again is not None:
                gates["long asked"].clear()
                order = {"type": "retry", "path": "/0"}
                guidance, mode = (order, "steer") if again == "retry" else ("be brief", "now")
                await _done(q.agent_interrupt("p", "ann", guidance, mode=mode))
                await asyncio.wait_for(gates["long asked"].wait(), 20)
            gates["shorter"].set()
            await asyncio.to_thread(until, lambda: _ended("/1/1"))
            gates["long"].set()
            await asyncio.to_thread(until, lambda: get_agent_state("p")["status"] == "completed")
            await runtime.stop()
        return replay.record("p")

    recording = asyncio.run(lived())
    final = json.loads(recording["rows"][-1]["payload"])["result"]["payload"]["state"]
    assert final["long"] == ("one" if again is None else "two")
    assert run(recording).differences == []


def _ended(path):
    payloads = (json.loads(row["payload"] or "{}") for row in list_steps("p"))
    return any(each["path"] == path for payload in payloads for each in payload.get("nodes", ()))


def test_a_plan_that_fails_is_done_again(tmp_path, monkeypatch):
    """The row of its failure, and its end; and again after a resume."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))

    async def failed():
        async with ModelStub(default=answers("yes")) as stub:
            monkeypatch.setenv("REINS_MODEL", "m")
            monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
            runtime = await _started(load_settings(plans=MODULES))
            config = {"name": "fails"}
            await _done(q.agent_create("p", "ann", agent_type="plan", config=config))
            await asyncio.to_thread(until, lambda: get_agent_state("p")["status"] == "failed")
            await _done(q.agent_resume_action("p", "ann"))
            await asyncio.to_thread(until, lambda: _failed() == 2)
            await runtime.stop()
        return replay.record("p")

    recording = asyncio.run(failed())
    assert run(recording).differences == []


def _failed():
    return [row["kind"] for row in list_steps("p")].count("final")


def test_what_a_plan_remembers_and_believes_is_done_again(tmp_path, monkeypatch):
    """At the times of then, with a person's word; evidence that was taken back is refused."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording, taken_back = asyncio.run(_minded())
    assert run(recording).differences == []
    mind = json.loads(recording["rows"][-1]["state"])["agent"]["mind"]
    assert (mind["acts"], list(mind["beliefs"]["folds"])) == (4, ["leak"])
    with pytest.raises(replay.NotReplayableError, match="takes evidence back"):
        run(taken_back)


async def _minded():
    replayed_actions.GATES.clear()
    gates = {name: asyncio.Event() for name in ("x", "y")}
    replayed_actions.GATES.update(gates)
    runtime = await _started(load_settings(plans=MODULES))
    plan = sequence(
        parallel(
            Task("believe", {"claim": "leak", "source": "sensor"}),
            Task("remember", {"key": "k", "value": [1]}),
        ),
        Task("heed", {"name": "x"}),
        Task("recall", {"key": "k", "to": "found"}),
        Task("doubt", {"claim": "leak"}),
        Task("heed", {"name": "y"}),
    )
    config = {"plan": to_data(plan)}
    await _done(q.agent_create("p", "ann", agent_type="plan", config=config))
    await _live_at("/1")
    said = q.agent_interrupt("p", "ann", {"type": "believe", "claim": "leak"})
    await _done(said)
    gates["x"].set()
    await _live_at("/4")
    recording = replay.record("p")
    await _done(q.agent_interrupt("p", "ann", "be kind"))
    ids = [row["evidence_id"] for row in list_evidence("p")]
    await _done(q.agent_interrupt("p", "ann", {"type": "undo_evidence", "ids": ids[:1]}))
    await runtime.stop()
    return recording, replay.record("p")


def test_a_task_that_remembers_is_done_again(tmp_path, monkeypatch):
    """Its tools are not called again; the mind is as it was."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording = asyncio.run(_remembering())
    assert run(recording).differences == []
    assert json.loads(recording["rows"][-1]["state"])["agent"]["mind"]["acts"] == 1


async def _remembering():
    runtime = await _started(load_settings())
    config = {"goal": "remember that the key is under the mat", "tools": ["memory"]}
    await _done(q.agent_create("p", "ann", agent_type="task", config=config))
    await asyncio.to_thread(until, lambda: get_agent_state("p")["status"] == "completed")
    await runtime.stop()
    return replay.record("p")
