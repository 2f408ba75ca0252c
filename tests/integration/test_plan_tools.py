"""Tasks of a plan call tools: those that its configuration names, up to a risk."""

import asyncio
import json

import pytest

import queue_imp as q
from agents import Runtime
from reins.history import recording
from reins.history.replay import NotReplayableError
from reins.plans import Task, parallel, sequence, to_data
from reins.reporting.reading import session_report
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.reading import reader
from tests.support.waiting import until


def write(path, text):
    return Task("tool", {"tool": "write_file", "args": {"path": path, "content": text}})


READ = Task("tool", {"tool": "read_file", "args": {"path": "{name}"}, "to": "read"})


@pytest.fixture
def lived(tmp_path, monkeypatch):
    """Runs a plan to its end; gives its final state and what its rows tell of tasks."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))

    def live(plan, name="p", **config):
        async def lives():
            runtime = Runtime(load_settings())
            await runtime.start()
            given = {"plan": to_data(plan), "state": {"name": "a.txt"}, **config}
            created = q.agent_create(name, "ann", agent_type="plan", config=given)
            receipt = await asyncio.to_thread(q.wait_for_action, created)
            if receipt["outcome"] == "applied":
                await asyncio.to_thread(until, lambda: get_agent_state(name)["status"] in ENDED)
            await runtime.stop()
            return receipt

        receipt = asyncio.run(lives())
        if receipt["outcome"] != "applied":
            return receipt["error"], []
        rows = list_steps(name)
        result = json.loads(rows[-1]["payload"])["result"]
        told = [json.loads(row["payload"]) for row in rows if row["kind"] == "tick"]
        return result["payload"], [node for each in told for node in each["nodes"]]

    return live


ENDED = ("completed", "failed")


def test_tools_side_by_side_and_their_results(lived, tmp_path):
    """They work in the session's folder; rows and report tell of each call."""
    folder = tmp_path / "workspaces" / "p"
    plan = sequence(parallel(write("a.txt", "of {name}"), write("b.txt", "two")), READ)
    given = {"tools": ["files"], "approvals": "allow_medium"}
    payload, nodes = lived(plan, **given)
    assert (folder / "a.txt").read_text() == "of a.txt"
    assert "of a.txt" in payload["state"]["read"]
    calls = [call for node in nodes for call in node.get("tools", ())]
    assert sorted(call["tool"] for call in calls) == ["read_file", "write_file", "write_file"]
    assert all(call["ok"] and call["attempts"] == 1 for call in calls)
    lines = {
        line.name: line for line in session_report("p", store=reader()).lines if line.kind == "tool"
    }
    assert (lines["write_file"].runs, lines["write_file"].succeeded) == (2, 2)
    with pytest.raises(NotReplayableError, match="tools that a plan's tasks have called"):
        asyncio.run(recording.replay(recording.record("p")))


def test_what_is_not_allowed_is_refused_in_words(lived):
    """A call above the risk, of a tool that the plan has not, and a tool that nobody has."""
    payload, nodes = lived(write("a.txt", "x"), "risky", tools=["files"])
    assert "a plan asks nobody" in payload["error"]["message"]
    assert nodes[-1]["tools"][0]["kind"] == "denied"
    payload, _ = lived(write("a.txt", "x"), "other", tools=["read_file"])
    words = "the plan has no tool 'write_file'; its configuration names: read_file"
    assert words in payload["error"]["message"]
    payload, _ = lived(READ, "none")
    assert "there are no tools here" in payload["error"]["message"]
    error, _ = lived(READ, "wrong", tools=["reed_file"])
    assert "did you mean" in error
    error, _ = lived(READ, "outside", tools=["files"], workspace="/etc")
    assert "is below no folder that is allowed" in error


def test_a_plan_searches_what_others_have_done(lived):
    """Sessions, and actions with why; without its own rows, which hold the question."""
    done = q.create_action(
        "agent_pause", "carol", agent_id="x", description="the harbour is closed"
    )
    q.enqueue(done)
    look = Task("tool", {"tool": "search", "args": {"query": "harbour"}, "to": "found"})
    state, _ = lived(look, tools=["sessions"])
    first, found = state["state"]["found"].splitlines()
    assert first == "session x"
    assert found.endswith(" agent_pause by carol: the harbour is closed")
