"""Work between ticks: side by side, on record as it ends, quiet before a pause, begun again."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.agent.services import Services
from store.model_calls import list_calls
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.paying_agents import Till
from tests.support.waiting import until_async
from tests.support.working_agents import PiecesAgent

SERVICES = Services(per_session={Till: Till})


class Working(Fleet):
    def __init__(self, folder):
        super().__init__(folder, modules=("tests.support.working_agents",), services=SERVICES)

    async def work(self, pieces, **config):
        PiecesAgent.begun.clear()
        config = {"pieces": pieces} | config
        got = await self.do(q.agent_create, "a", "ann", agent_type="pieces", config=config)
        assert got["outcome"] == "applied", got
        return self.sessions.live.get("a")

    def ticks(self):
        return [row["text"] for row in self.log() if row["kind"] == "tick"]

    def done(self):
        return json.loads(self.state()["context"])["done"]

    async def until_begun(self, *names):
        await until_async(
            lambda: {name for name, _ in PiecesAgent.begun} >= {*names}, f"{names} have begun"
        )

    async def until_status(self, status):
        await until_async(lambda: self.state()["status"] == status, f"it is {status}")


@pytest.fixture
async def fleet(data):
    made = Working(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_pieces_run_side_by_side_and_each_end_is_a_row(fleet):
    """The quick one is on record while the slow one runs, and what follows it has begun."""
    await fleet.work({"slow": "0.6", "quick": "0.05", "next": "0.05"}, wide=2)
    await fleet.until_status("completed")
    assert fleet.ticks() == ["begun", "quick", "next", "slow"]
    assert [name for name, _ in PiecesAgent.begun] == ["slow", "quick", "next"]


async def test_an_error_is_an_end(fleet):
    """So is an exit: the fleet goes on."""
    await fleet.work({"bad": "fail", "worse": "exit"})
    await fleet.until_status("completed")
    assert fleet.done() == {"bad": "RuntimeError('it cannot')", "worse": "SystemExit(3)"}


async def test_a_pause_waits_for_what_runs_and_begins_nothing(fleet):
    """Pausing meanwhile; each end is on record before `paused` is; the rest begins afterwards."""
    await fleet.work({"one": "3", "two": "2", "three": "0.01"}, wide=2)
    await fleet.until_begun("one", "two")
    pause = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: fleet.state()["status"] == "pausing", "it is pausing")
    assert (await fleet.receipt(pause))["outcome"] == "applied"
    texts = [row["text"] for row in fleet.log()]
    assert texts[-1] == "paused"
    assert texts.index("two") < texts.index("one") < texts.index("paused")
    assert [name for name, _ in PiecesAgent.begun] == ["one", "two"]
    await fleet.do(q.agent_resume_action, "a", "ann")
    await fleet.until_status("completed")


async def test_a_pause_does_not_wait_for_a_place_in_line(fleet):
    """What only waits to call a model is begun again after the resume."""
    await fleet.work({"waits": "line"})
    await fleet.until_begun("waits")
    got = await fleet.do(q.agent_pause_action, "a", "ann")
    assert got["outcome"] == "applied"
    assert fleet.state()["status"] == "paused"
    await fleet.do(q.agent_resume_action, "a", "ann")
    await until_async(lambda: len(PiecesAgent.begun) == 2, "it has begun again")


async def test_a_pause_that_finds_it_ended_is_rejected(fleet):
    await fleet.work({"one": "0.2"})
    await fleet.until_begun("one")
    got = await fleet.do(q.agent_pause_action, "a", "ann")
    assert got["outcome"] == "rejected"
    assert "completed" in got["error"]


async def test_a_destroy_gives_them_their_time_then_cancels(fleet):
    await fleet.work({"quick": "0.1", "never": "never"})
    await fleet.until_begun("never")
    await fleet.do(q.agent_destroy_action, "a", "ann")
    assert fleet.state()["status"] == "stopped"
    assert fleet.done() == {"quick": ""}
    assert fleet.ticks() == ["begun", "quick"]


async def test_a_destroy_leaves_behind_what_swallows_its_cancellation(fleet):
    await fleet.work({"stubborn": "stubborn"})
    await fleet.until_begun("stubborn")
    await fleet.do(q.agent_destroy_action, "a", "ann")
    assert "left behind" in fleet.log()[-1]["error"]


async def test_guidance_reaches_what_begins_later(fleet):
    """In mode steer what runs goes on; in mode now it is begun again."""
    await fleet.work({"never": "never", "two": "0.3"})
    await fleet.until_begun("never", "two")
    await fleet.do(q.agent_interrupt, "a", "ann", "hats")
    assert PiecesAgent.begun == [("never", ""), ("two", "")]
    await fleet.do(q.agent_interrupt, "a", "ann", "cats", mode="now")
    await until_async(lambda: ("never", "cats") in PiecesAgent.begun, "it has begun again")
    await fleet.until_row("tick")
    await until_async(fleet.done, "the other has ended")
    assert fleet.done()["two"] in ("", "cats")


async def test_ends_are_taken_in_again_after_a_tick_that_failed(fleet):
    await fleet.work({"one": "0.01", "two": "0.02"}, fails=2)
    await fleet.until_status("completed")
    assert fleet.done() == {"one": "", "two": ""}
    assert len(PiecesAgent.begun) == 2
    assert fleet.kinds().count("error") == 2


async def test_a_restart_begins_again_what_is_not_on_record(fleet):
    await fleet.work({"quick": "0.01", "never": "never", "third": "0.01"}, wide=2)
    await until_async(lambda: "third" in fleet.ticks(), "two have ended")
    await fleet.stop(grace_s=0.1)
    PiecesAgent.begun.clear()
    again = Working(fleet.folder)
    await again.start("start-2")
    try:
        await again.until_begun("never")
        assert PiecesAgent.begun == [("never", "")]
        assert again.sessions.live["a"].scope.busy
    finally:
        await again.stop(grace_s=0.1)
        fleet.sessions.live.clear()
        await fleet.start("start-3")


async def test_a_stop_of_the_worker_gives_them_their_time(fleet):
    """What ends within it is on record."""
    await fleet.work({"soon": "0.3", "never": "never"})
    await fleet.until_begun("soon")
    await fleet.stop(grace_s=0.8)
    await fleet.start("start-2")
    assert fleet.done() == {"soon": ""}


async def test_a_budget_that_is_spent_in_a_piece_holds_the_session(fleet):
    """The piece is begun again when there is room, and its calls carry its name."""
    await fleet.work({"a": "pay", "b": "pay"}, wide=1, budget={"session": {"tokens": 150}})
    await fleet.until_status("paused")
    assert fleet.done() == {"a": ""}
    assert fleet.log()[-1]["text"].startswith("paused: budget: ")
    raised = {"type": "set_budget", "scope": "session", "tokens": 400}
    got = await fleet.do(q.agent_interrupt, "a", "ann", raised)
    assert got["outcome"] == "applied", got
    await fleet.until_status("completed")
    calls = list_calls("a", store=fleet.store.reader)
    rows = {row["seq"]: row["text"] for row in fleet.log()}
    assert [(call["node"], rows[call["seq"]]) for call in calls] == [("a", "a"), ("b", "b")]


async def test_newer_code_takes_over_once_all_have_ended(fleet):
    session = await fleet.work({"one": "0.3", "two": "0.01"}, wide=1)
    await fleet.until_begun("one")
    before = session.agent
    await fleet.sessions.renew({"pieces"})
    await until_async(lambda: session.agent is not before, "it has the newer code")
    await fleet.until_status("completed")
    assert [name for name, _ in PiecesAgent.begun] == ["one", "two"]
