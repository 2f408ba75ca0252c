"""Troubles of plan sessions that chaos has found."""

import asyncio
import json
import threading

import pytest

import queue_imp as q
from reins.plans import Task, loop_while, parallel, race, sequence, timeout
from tests.integration.agent_core.test_plans import GATE, RAN, Plans, actions, add_
from tests.support import data_folder
from tests.support.waiting import until_async


def made():
    found = actions()

    @found.action
    async def tidies(state, ctx):
        RAN.append(ctx.path)
        try:
            await asyncio.sleep(0.5)
        finally:
            await asyncio.sleep(0.3)
        return {**state, "tidied": True}

    @found.action
    async def stubborn(state, ctx):
        RAN.append(ctx.path)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(2)
        return state

    return found


GATES = threading.Event()


@pytest.fixture
async def fleet(data):
    GATES.clear()
    GATE.clear()
    RAN.clear()
    fleet = Plans(data, made())
    await fleet.start()
    yield fleet
    for gate in GATE.values():
        gate.set()
    await fleet.stop(grace_s=0.2)


async def test_what_takes_long_to_be_let_go_is_begun_again(fleet):
    """Guidance of mode now cancels a task whose clean-up outlasts it: the session goes on."""
    await fleet.plan(Task("tidies"), state={})
    await until_async(lambda: RAN, "it runs")
    got = await fleet.do(q.agent_interrupt, "a", "ann", "go on", mode="now")
    assert got["outcome"] == "applied"
    await until_async(lambda: len(RAN) == 2, "it is begun again", 3)


async def test_no_kill_comes_between_the_failure_of_a_plan_and_its_end(fleet, monkeypatch):
    """Both rows are one commit: a task whose end is on record is not done again."""
    journal, commits = fleet.store.journal, []
    append = journal.append

    async def counted(*records):
        rows = [json.loads(each.body) for each in records if each.table == "agent_steps"]
        commits.append([row["kind"] for row in rows])
        await append(*records)

    monkeypatch.setattr(journal, "append", counted)
    await fleet.plan(sequence(add_("first"), Task("put", {"to": "x"})))
    await fleet.until_status("failed")
    assert commits[-1] == ["tick", "final"]
    assert fleet.outcomes() == [("/0", "done"), ("/1", "failed")]


async def test_a_pause_of_a_race_with_a_branch_that_never_ends(fleet):
    """A pause takes effect, though a branch of a race ends with the race alone."""
    await fleet.plan(race(Task("wait"), sequence(add_("a", 0.3), add_("b", 0.3))))
    await until_async(lambda: len(RAN) == 2, "both run")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    try:
        await until_async(lambda: fleet.state()["status"] == "paused", "it is paused", 3)
    finally:
        await fleet.do(q.agent_resume_action, "a", "ann", mode="now")
        await fleet.receipt(pause)


async def test_a_pause_of_who_is_held_by_a_budget(fleet, data, monkeypatch):
    """No tick follows while the session is paused."""
    ask = Task("ask", {"prompt": "{x}", "to": "y"})
    budget = {"session": {"tokens": 40}}
    await fleet.plan(parallel(ask, Task("wait")), state={"x": "otter"}, budget=budget)
    await until_async(lambda: fleet.state()["status"] == "paused", "it is held")
    GATE["g"].set()
    await fleet.do(q.agent_pause_action, "a", "ann")
    await fleet.stop()
    try:
        await asyncio.to_thread(data_folder.verified, data)
    finally:
        await fleet.start("start-2")


async def test_a_pause_that_comes_while_a_row_is_written(fleet, data, monkeypatch):
    """The row that says `pausing` has the step of the row before it."""
    waits = [Task("wait", {"gate": gate}) for gate in "abc"]
    await fleet.plan(sequence(parallel(*waits), add_("last")))
    await until_async(lambda: len(RAN) == 3, "all run")
    journal, released = fleet.store.journal, asyncio.Event()
    append, session = journal.append, fleet.sessions.live["a"]

    async def slowly(*records):
        await released.wait()
        await append(*records)

    monkeypatch.setattr(journal, "append", slowly)
    GATE["a"].set()
    await until_async(session.log._writing.locked, "the first end is being written")
    GATE["b"].set()
    await until_async(lambda: session.agent.work.running == {"/0/2"}, "the second has ended")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: session.status == "pausing", "it is pausing")
    GATE["c"].set()
    await until_async(lambda: not session.agent.work.running, "the third has, too")
    released.set()
    await fleet.receipt(pause)
    await fleet.stop()
    try:
        await asyncio.to_thread(data_folder.verified, data)
    finally:
        await fleet.start("start-2")


async def test_what_ends_while_the_plan_cannot_be_run(fleet):
    """It is not done again once the plan can be run."""
    await fleet.plan(sequence(Task("wait"), add_("last")), state={})
    await until_async(lambda: RAN == ["/0"], "it runs")
    changed = made()
    del changed.actions["add"]
    fleet.plans.take(changed)
    GATE["g"].set()
    await until_async(lambda: fleet.state()["waits"], "it is stuck")
    fleet.plans.take(made())
    await fleet.do(q.agent_resume_action, "a", "ann")
    await fleet.until_status("completed")
    assert RAN == ["/0", "/1"]


async def test_a_row_of_late_ends_alone(fleet):
    """A wait that is over while losers are being cancelled: no row, or other words."""
    slow = timeout(Task("wait"), 0.8)
    await fleet.plan(
        sequence(race(Task("stubborn"), slow, add_("won", 0.2)), Task("wait")), state={}
    )
    await until_async(lambda: ("/0/2", "done") in fleet.outcomes(), "it is won")
    await asyncio.sleep(0.3)
    texts = [row["text"] for row in fleet.log() if row["kind"] == "tick"]
    assert texts.count("the plan has begun") == 1


async def test_a_plan_that_fails_amid_a_pause(fleet, data):
    """The pause is refused: it has failed. A resume lets it go on from before its failure."""
    await fleet.plan(sequence(Task("wait"), add_("a")), state=5)
    await until_async(lambda: RAN == ["/0"], "it runs")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: fleet.state()["status"] == "pausing", "it is pausing")
    GATE["g"].set()  # its state is no object: it fails
    refused = await fleet.receipt(pause)
    assert (refused["outcome"], "is failed" in refused["error"]) == ("rejected", True)
    assert (await fleet.do(q.agent_resume_action, "a", "ann"))["outcome"] == "applied"
    await fleet.stop()
    try:
        await asyncio.to_thread(data_folder.verified, data)
    finally:
        await fleet.start("start-2")


async def test_clocks_stand_while_a_budget_holds_the_session(fleet):
    """A timeout goes on from there when there is room again."""
    ask = Task("ask", {"prompt": "{x}", "to": "y"})
    plan = sequence(ask, parallel(ask, timeout(Task("wait"), 1.0)))
    await fleet.plan(plan, state={"x": "otter"}, budget={"session": {"tokens": 60}})
    await until_async(lambda: fleet.state()["status"] == "paused", "it is held")
    await asyncio.sleep(1.2)
    raised = {"type": "set_budget", "scope": "session", "tokens": 1_000}
    await fleet.do(q.agent_interrupt, "a", "ann", raised)
    GATE["g"].set()
    await fleet.until_status("completed")
    assert sorted(fleet.outcomes()[-2:]) == [("/1/0", "done"), ("/1/1/0", "done")]


async def test_a_pause_does_not_wait_for_rates_and_threads(fleet):
    """What has not begun gives way, and begins after the resume."""
    changed = made()
    changed.rate("slow", 1, 30)

    @changed.action(limit="slow")
    async def rated(state, ctx):
        RAN.append(ctx.path)
        return {**state, "rated": ctx.path}

    @changed.action
    def threaded(state, ctx):
        RAN.append(ctx.path)
        GATES.wait(20)
        return {**state, ctx.path: True}

    fleet.plans.take(changed)
    threads = [Task("threaded") for _ in range(10)]
    await fleet.plan(parallel("rated", "rated", *threads))
    await until_async(lambda: len(RAN) == 9, "what may begin has begun")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: fleet.state()["status"] == "pausing", "it is pausing")
    GATES.set()
    assert (await fleet.receipt(pause))["outcome"] == "applied"
    assert len(RAN) == 9
    assert len(fleet.outcomes()) == 9
    await fleet.do(q.agent_destroy_action, "a", "ann")


async def test_a_task_that_is_done_is_not_done_again_for_a_function_that_failed(fleet):
    """Its end is taken in once more after the resume; the function has been mended."""
    changed = made()
    changed.function("turns", lambda state: state["none"])
    fleet.plans.take(changed)
    plan = sequence(add_("first"), loop_while("turns", add_("turn")), add_("last"))
    await fleet.plan(plan, state={})
    await fleet.until_status("failed")
    assert "KeyError" in fleet.state()["error"]
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: fleet.kinds().count("final") == 2, "it has failed again")
    assert RAN == ["/0"]
    mended = made()
    mended.function("turns", lambda state: "turn" not in state)
    fleet.plans.take(mended)
    await fleet.do(q.agent_resume_action, "a", "ann")
    await fleet.until_status("completed")
    assert RAN == ["/0", "/1/0#1", "/2"]
    assert [path for path, _ in fleet.outcomes()] == RAN


async def test_while_it_is_pausing_people_reach_its_tasks(fleet):
    """A skip ends the task that holds the pause up; a resume takes the pause back."""
    await fleet.plan(sequence(Task("wait", {"gate": "a"}), Task("wait", {"gate": "b"})))
    await until_async(lambda: RAN == ["/0"], "it runs")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: fleet.state()["status"] == "pausing", "it is pausing")
    skip = {"type": "skip", "path": "/0"}
    assert (await fleet.do(q.agent_interrupt, "a", "ann", skip))["outcome"] == "applied"
    assert (await fleet.receipt(pause))["outcome"] == "applied"
    assert fleet.state()["status"] == "paused"
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: RAN == ["/0", "/1"], "the next one runs")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: fleet.state()["status"] == "pausing", "it is pausing")
    assert (await fleet.do(q.agent_resume_action, "a", "ann"))["outcome"] == "applied"
    refused = await fleet.receipt(pause)
    assert "taken back by a resume" in refused["error"]
    assert fleet.state()["status"] == "running"
    GATE["b"].set()
    await fleet.until_status("completed")
    assert RAN == ["/0", "/1"]
