"""What people take back, done again: guidance, a destroy; and a budget raised by too little."""

import asyncio

import queue_imp as q
from agents import Runtime
from reins.history import recording as replay
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from tests.support.model_stub import ModelStub, answers, fails
from tests.support.waiting import until


def test_what_was_taken_back_is_done_again(tmp_path, monkeypatch):
    """Undone guidance, a destroy of what had failed, and a limit that held all the same."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording = asyncio.run(_lived(monkeypatch))
    texts = [row["text"] for row in recording["rows"]]
    for part in ("undo: ", "; still held: ", "restored by bob, failed", "restored by bob, running"):
        assert any(part in text for text in texts), (part, texts)
    assert asyncio.run(replay.replay(recording, ("agents_impl",))).differences == []


async def _lived(monkeypatch):
    async with ModelStub(default=answers("A joke.")) as stub:
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        runtime = Runtime(load_settings(heartbeat_s=0.05, retry_wait_s=0.05, max_failures=1))
        await runtime.start()
        await asyncio.to_thread(_held_and_undone)
        stub.default = fails(400)
        await asyncio.to_thread(until, lambda: _status() == "failed")
        await asyncio.to_thread(_destroyed_and_restored)
        stub.default = answers("Another.")
        await asyncio.to_thread(_resumed_and_restored)
        await runtime.stop()
    return replay.record("ada")


def _held_and_undone():
    q.wait_for_action(q.agent_create("ada", "ann", config={"budget": {"session": {"ticks": 2}}}))
    until(lambda: _status() == "paused")
    raised = {"type": "set_budget", "scope": "session", "ticks": 1}
    q.wait_for_action(q.agent_interrupt("ada", "ann", raised))
    tea = q.agent_interrupt("ada", "ann", {"subject": "tea"})
    q.wait_for_action(tea)
    done = q.wait_for_action(q.guidance_undo(tea, "ann"))
    assert done["outcome"] == "applied", done["error"]
    more = {"type": "set_budget", "scope": "session", "ticks": None}
    q.wait_for_action(q.agent_interrupt("ada", "ann", more))


def _destroyed_and_restored():
    q.wait_for_action(q.agent_destroy_action("ada", "ann"))
    done = q.wait_for_action(q.agent_restore_action("ada", "bob"))
    assert done["outcome"] == "applied", done["error"]


def _resumed_and_restored():
    q.wait_for_action(q.agent_resume_action("ada", "ann"))
    until(lambda: list_steps("ada")[-1]["text"] == "Another.")
    _destroyed_and_restored()
    rows = len(list_steps("ada"))
    until(lambda: len(list_steps("ada")) > rows)


def _status():
    return get_agent_state("ada")["status"]
