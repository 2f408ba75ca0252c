"""A panelist in a worker of its own, played by the offline model: steered while it is held."""

import queue_imp as q
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from tests.support.waiting import until
from tests.support.worker import Worker


def done(action_id):
    got = q.wait_for_action(action_id)
    assert got["outcome"] == "applied", got["error"]
    return got


def test_what_is_said_to_one_that_is_held_is_in_its_answer(tmp_path, monkeypatch):
    """No room for the call yet: guidance is kept over a kill, and counts once there is room."""
    data = tmp_path / "data"
    monkeypatch.setenv("REINS_DATA", str(data))
    config = {"name": "Mara", "goal": "Should cats vote?", "budget": {"session": {"tokens": 1}}}
    with Worker(data, tmp_path / "worker1") as worker:
        worker.started()
        done(q.agent_create("mara", "ann", agent_type="panelist", config=config))
        until(lambda: get_agent_state("mara")["status"] == "paused", "it is held")
        done(q.agent_interrupt("mara", "ann", "tone: pirate"))
        done(q.agent_interrupt("mara", "ann", "think of the mice"))
        worker.kill()
    with Worker(data, tmp_path / "worker2") as worker:
        worker.started()
        room = {"type": "set_budget", "scope": "session", "tokens": 10_000}
        done(q.agent_interrupt("mara", "ann", room))
        until(lambda: get_agent_state("mara")["status"] == "completed", "it has answered")
        assert worker.stop() == 0
    [tick] = [row for row in list_steps("mara") if row["kind"] == "tick"]
    assert tick["text"].startswith(("Aye", "Nay")), "as a pirate says yes and no"
    assert tick["text"].endswith("They asked me for “think of the mice”, so I try.")
