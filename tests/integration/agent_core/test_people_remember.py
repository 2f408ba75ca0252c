"""People change memories, of every scope, on record as theirs; and take evidence back."""

import asyncio
import json

import pytest

import queue_imp as q
import reins.remembering.acting  # noqa: F401 - hands its handlers in
from agent_core.actions.handling import ACTION_HANDLERS
from agent_core.dispatch.handlers import Context
from agent_core.dispatch.queued import QueuedAction
from reins.plans import Task, sequence
from tests.integration.agent_core.test_plans import GATE
from tests.integration.agent_core.test_scopes import RECALL, Scopes, kept
from tests.support import data_folder
from tests.support.minds import folded
from tests.support.waiting import until_async


@pytest.fixture
async def fleet(data):
    GATE.clear()
    made = Scopes(data)
    await made.start()
    yield made
    for gate in GATE.values():
        gate.set()
    await made.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


async def applied(fleet, helper, *args, **more):
    got = await fleet.do(helper, *args, **more)
    assert got["outcome"] == "applied", got
    return got


async def refused(fleet, helper, *args, **more):
    got = await fleet.do(helper, *args, **more)
    assert got["outcome"] == "rejected", got
    return got["error"]


async def waits(fleet, *before):
    """A session of a plan that waits, with what it recalls after that."""
    await fleet.run("a", sequence(*before, Task("wait"), RECALL), until=None)
    await until_async(lambda: "g" in GATE, "it waits")


async def end(fleet):
    GATE["g"].set()
    await fleet.until_ended("a")
    return fleet.end("a")["all"]


async def test_a_memory_of_a_session_is_put_forgotten_and_restored(fleet):
    """While it works and while it is paused: seen by its next task, with the person's name."""
    await waits(fleet, kept("k", 1, "session"), kept("gone", 1, "session"))
    got = await applied(fleet, q.memory_put, "k", "ann", {"n": 2}, agent_id="a", expect=1)
    row = next(row for row in fleet.log("a") if row["seq"] == got["applied_seq"])
    assert (row["kind"], row["text"]) == ("guidance", "put k (version 2)")
    assert json.loads(row["payload"])["actor"] == "ann"
    assert "at version 2, expected 1" in await refused(
        fleet, q.memory_put, "k", "ann", 3, agent_id="a", expect=1
    )
    GATE["g"].set()  # it would not pause while its task waits
    await fleet.until_ended("a")
    assert fleet.end("a")["all"] == {"k": {"n": 2}, "gone": 1}
    _, rows = folded("a", fleet.store.reader)
    assert [(r["key"], r["version"], r["source"], r["actor"]) for r in rows] == [
        ("k", 1, "self", None), ("gone", 1, "self", None), ("k", 2, "ann", "ann"),
    ]  # fmt: skip


async def test_a_paused_session_takes_it_in(fleet):
    """And has it in its next tick; any version comes back, also one that its snapshot has not."""
    await waits(fleet, *(kept("k", n, "session") for n in range(6)))
    pausing = await fleet.ask(q.agent_pause_action, "a", "ann")
    await until_async(lambda: fleet.state("a")["status"] == "pausing", "it pauses")
    GATE["g"].set()
    await fleet.receipt(pausing)
    await applied(fleet, q.memory_restore, "k", "ben", 1, agent_id="a")
    await applied(fleet, q.memory_put, "new", "ben", "yes", agent_id="a", session_id="a")
    await applied(fleet, q.memory_forget, "new", "ben", agent_id="a")
    await applied(fleet, q.memory_restore, "new", "ben", agent_id="a")
    await applied(fleet, q.agent_resume_action, "a", "ann")
    assert await end(fleet) == {"k": 0, "new": "yes"}
    _, rows = folded("a", fleet.store.reader)
    restored = [(row["key"], row["version"], row["restores"]) for row in rows if row["restores"]]
    assert restored == [("k", 7, 1), ("new", 3, 1)]


async def test_a_change_is_undone(fleet):
    """As guidance is: the key is what it was before."""
    await waits(fleet, kept("k", 1, "session"))
    first = await fleet.do(q.memory_put, "new", "ann", 1, agent_id="a")
    undone = await applied(fleet, q.guidance_undo, first["action_id"], "ann")
    assert undone["applied_seq"]
    second = await fleet.do(q.memory_put, "k", "ann", 2, agent_id="a")
    await applied(fleet, q.guidance_undo, second["action_id"], "ann")
    assert await end(fleet) == {"k": 1}


async def test_memories_beyond_a_session_are_changed_without_one(fleet):
    """Before there is one, too; each receipt has the version, and a late one is rejected."""
    got = await applied(fleet, q.memory_put, "k", "ann", 1, scope="agent", agent_id="a")
    assert got["applied_seq"] == 1
    got = await applied(fleet, q.memory_put, "k", "ann", 2, scope="shared", expires_in_s=1e6)
    assert got["applied_seq"] == 1
    await waits(fleet)
    await applied(fleet, q.memory_forget, "k", "ann", scope="agent", agent_id="a", expect=1)
    await applied(fleet, q.memory_put, "own", "ben", 3, scope="agent", agent_id="a")
    await applied(fleet, q.memory_put, "k", "ben", 4, scope="shared")
    await applied(fleet, q.memory_restore, "k", "ben", 1, scope="shared")
    assert await end(fleet) == {"k": 2, "own": 3}
    for helper, more, words in (
        (q.memory_put, {"value": 1, "expect": 7}, "is at version 3, expected 7"),
        (q.memory_restore, {"version": 9}, "no version 9"),
    ):
        assert words in await refused(fleet, helper, "k", "ann", scope="shared", **more)
    assert "forgotten already" in await refused(
        fleet, q.memory_forget, "k", "ann", scope="agent", agent_id="a"
    )
    rows = fleet.rows(scope="shared", key="k")
    assert [(r["version"], r["kind"], r["actor"], r["seq"]) for r in rows] == [
        (1, "put", "ann", None), (2, "put", "ben", None), (3, "restore", "ben", None),
    ]  # fmt: skip


async def test_what_nobody_could_apply_is_rejected(fleet):
    """With what there is to be done."""
    assert "no session b" in await refused(fleet, q.memory_put, "k", "ann", 1, agent_id="b")
    action = q.create_action("memory_put", "ann", scope="shared", agent_id="a", key="k", value=1)
    got = await fleet.receipt(await fleet.ask(q.enqueue, action))
    assert "has no agent_id" in got["error"]
    for bad in ({"scope": "agent"}, {"agent_id": "a", "scope": "shared"}, {"scope": "all"}):
        with pytest.raises(q.ActionError):
            q.memory_put("k", "ann", 1, **bad)


async def test_evidence_is_taken_back(fleet):
    """The undo is a row, as guidance leaves it."""
    await waits(fleet, Task("believe", {"claim": "leak", "source": "sensor"}))
    (piece,), _ = folded("a", fleet.store.reader)
    got = await applied(fleet, q.evidence_undo, "a", "ann", [piece["evidence_id"]], "it was rain")
    row = next(row for row in fleet.log("a") if row["seq"] == got["applied_seq"])
    assert row["text"].startswith("taken back: leak: 0.73 → 0.50")
    assert "nothing to do" in await refused(
        fleet, q.evidence_undo, "a", "ann", [piece["evidence_id"]]
    )
    evidence, _ = folded("a", fleet.store.reader)
    assert [row["kind"] for row in evidence] == ["evidence", "undo"]


async def test_a_change_that_is_applied_again_counts_once(fleet):
    """After a restart in which nobody knows that it was applied."""
    action = q.create_action("memory_put", "ann", scope="shared", key="k", value=1)
    await fleet.receipt(await fleet.ask(q.enqueue, action))
    again = QueuedAction(action)
    got = await ACTION_HANDLERS["memory_put"](Context(fleet.sessions, None, None), again)
    assert got.seq == 1
    assert len(fleet.rows(scope="shared")) == 1
