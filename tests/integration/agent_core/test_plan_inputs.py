"""Bad inputs of plan sessions: refused or failed with their path, and nothing lost."""

import asyncio
import json

import pytest

import queue_imp as q
from reins.plans import Task, choose, focus, lens, loop_while, parallel, sequence, to_data
from tests.integration.agent_core.test_plans import GATE, RAN, Plans, actions, add_
from tests.support import data_folder
from tests.support.waiting import until_async


def nested(levels):
    plan = "put"
    for _ in range(levels - 1):
        plan = {"kind": "sequence", "items": [plan]}
    return plan


def made():
    found = actions()
    broken = lens(lambda state: state.get("x"), lambda _state, value: {"x": value})
    found.lens("broken", broken)

    def raises(_state):
        raise ZeroDivisionError("no ground")

    found.register("large", lambda _state: {"a": "x" * 70_000})
    found.function("raises", raises)
    found.function("elsewhere", lambda _state: 7)
    return found


@pytest.fixture
async def fleet(data):
    GATE.clear()
    RAN.clear()
    fleet = Plans(data, made())
    await fleet.start()
    yield fleet
    await fleet.stop(grace_s=0.2)
    await asyncio.to_thread(data_folder.verified, data)


REFUSED = [
    ({"plan": nested(65)}, "items.0.items.0: the plan has more than 64 levels; make it flatter"),
    ({"plan": {"kind": "sequence", "items": ["put"] * 10_000}},
     "items.0: the plan has more than 10,000 nodes; let an action return a part of it"),
    ({"plan": {"kind": "parallel", "items": ["put"] * 257}}, "257 tasks of the plan may be live"),
    ({"plan": {"kind": "sequence", "items": ["put", {"kind": "retry", "item": "pt"}]}},
     "items.1.item: there is no action 'pt'; did you mean 'put'?"),
    ({"plan": {"kind": "sequence", "items": [{"kind": "loop_while", "condition": "raise",
      "item": "put"}]}}, "items.0: there is no function 'raise'; did you mean 'raises'?"),
    ({"plan": {"kind": "task", "name": "put", "args": {"a": [2**70]}}},
     "args.a.0 is a whole number of more than 64 bits"),
    ({"plan": "put", "state": {"a": [1, 2**70]}}, "state.a.1 is a whole number of more than"),
    ({"plan": "put", "state": json.loads("[" * 101 + "]" * 101)}, "has more than 100 levels"),
]  # fmt: skip


async def test_what_cannot_begin_is_refused(fleet):
    """With its place, before there is a session."""
    for config, words in REFUSED:
        got = await fleet.do(q.agent_create, "a", "ann", agent_type="plan", config=config)
        assert got["outcome"] == "rejected"
        assert words in got["error"]
    assert fleet.log() == []


def test_what_is_no_json_is_not_asked_for():
    """Such a plan is not even written: with the place of what JSON does not hold."""
    with pytest.raises(ValueError, match=r"plan\.args\.k is a set"):
        to_data(Task("put", {"k": {1}}))


async def test_a_state_larger_than_a_snapshot_fails_its_task(fleet):
    """With the task's path, at once; what is around it takes it as any other fault."""
    config = {"plan": to_data(sequence(add_("x"), Task("large"))), "state": {"x": 1}}
    await fleet.do(q.agent_create, "a", "ann", agent_type="plan", config=config)
    await until_async(lambda: fleet.state("a")["status"] == "failed", "it fails")
    assert (
        "/1: the state that it leaves has 70008 bytes, and a session's snapshot holds 65536"
        in (fleet.state("a")["error"])
    )
    assert "error" not in fleet.kinds("a")
    config = {"plan": to_data(parallel(add_("x"), "large", on_error="ignore")), "state": {"x": 1}}
    await fleet.do(q.agent_create, "b", "ann", agent_type="plan", config=config)
    await until_async(lambda: fleet.state("b")["status"] == "completed", "it completes")


FAILS = [
    (loop_while("raises", Task("put")), "/1: condition 'raises' raised ZeroDivisionError: no "),
    (choose(add_("x"), selector="elsewhere"), "/1: the selector chose 7; expected a place from 0"),
    (focus("broken", add_("x")), "/1: lens 'broken' breaks a law of lenses: "),
    (focus("gone", add_("x")), "/1: lens 'gone' raised LookupError: there is no key 'gone'"),
]  # fmt: skip


async def test_a_function_that_fails_fails_the_plan_with_its_path(fleet):
    """A session of each; what is done before it is on record, and a resume goes on from there."""
    for number, (plan, words) in enumerate(FAILS):
        name, given = f"s{number}", to_data(sequence(add_("first"), plan, add_("last")))
        config = {"plan": given, "state": {"x": 1}}
        await fleet.do(q.agent_create, name, "ann", agent_type="plan", config=config)
        await until_async(lambda name=name: fleet.state(name)["status"] == "failed", "it fails")
        assert words in fleet.state(name)["error"]
        assert json.loads(fleet.state(name)["context"])["before"]["at"].keys() == {"0"}
        [node] = json.loads(fleet.log(name)[-2]["payload"])["nodes"]
        assert (node["path"], node["outcome"]) == ("/0", "done")
        RAN.clear()
        await fleet.do(q.agent_resume_action, name, "ann")
        await until_async(lambda name=name: fleet.kinds(name).count("final") == 2, "so it does")
        assert RAN == []
