"""Memories by meaning: what a thought is told of many, what `recall` finds, and a replay of it."""

import asyncio

import orjson
import pytest

import queue_imp as q
from agents import Runtime
from reins.history import recording as replay
from reins.settings import load_settings
from store.agent_steps import list_steps
from tests.support.model_stub import ModelStub, answers, fails
from tests.support.waiting import until

PET = "Rex is a beagle, and barks at the postman"
OTHERS = {
    f"invoice {n}": f"number {n} of the supplier was paid in March, in full" for n in range(40)
}
GOAL = "Which animal lives in the house?"


def said(tool, **arguments):
    return answers(orjson.dumps({"thought": "so", "tool": tool, "arguments": arguments}).decode())


async def lived(monkeypatch, search):
    """A task over a failed call, a find, a change, an answer that does not read, and its end."""
    async with ModelStub() as stub:
        stub.replies.extend([
            fails(400),
            said("recall", about="a dog"),
            said("write_file", path="x", content="it is so"),
            answers("no JSON"), answers("none either"),
            said("finish", status="done", summary="A dog."),
        ])  # fmt: skip
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        settings = load_settings(heartbeat_s=0.05, retry_wait_s=0.05, search=search)
        runtime = Runtime(settings)
        await runtime.start()
        try:
            await asyncio.to_thread(begun)
        finally:
            await runtime.stop()
        return replay.record("ada"), [str(each.body["messages"]) for each in stub.seen]


def begun():
    keep = {"scope": "agent", "agent_id": "ada"}
    asked = [q.memory_put("pet", "ann", PET, **keep)]
    asked += [q.memory_put(key, "ann", text, **keep) for key, text in OTHERS.items()]
    assert {q.wait_for_action(each)["outcome"] for each in asked} == {"applied"}
    config = {"goal": GOAL, "tools": ["memory", "files"], "approvals": "allow_medium"}
    q.wait_for_action(q.agent_create("ada", "ann", agent_type="task", config=config))
    until(lambda: list_steps("ada")[-1]["kind"] == "final")


def recalled(recording):
    """Kind of each row that tells of what was recalled, and that."""
    told = [(row["kind"], orjson.loads(row["payload"] or "{}")) for row in recording["rows"]]
    return [(kind, payload["recalled"]) for kind, payload in told if "recalled" in payload]


@pytest.mark.parametrize("search", ["meaning", "off"])
def test_a_thought_is_told_what_is_to_the_point(tmp_path, monkeypatch, search):
    """By meaning it finds what says the same in other words, and its rows say which, how, and to
    which part of the work; without the index it is told the newest, and that. Either is done again
    from the record, though it has memories of other sessions and asks for no embeddings.
    """
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    recording, prompts = asyncio.run(lived(monkeypatch, search))
    found = recalled(recording)
    assert [kind for kind, _ in found] == ["error", "tick", "intent", "tick", "tick"]
    first = found[0][1]
    assert sum(len(each["line"]) for each in first["memories"]) <= first["budget_bytes"]
    assert first["left"] + len(first["memories"]) == 41
    calls = [orjson.loads(row["payload"]) for row in recording["rows"] if row["kind"] == "tick"]
    text = calls[0]["outcome"]["text"]
    if search == "meaning":
        assert first["by"] == "meaning"
        best = first["memories"][0]
        assert (best["key"], best["scope"], best["cue"]) == ("pet", "agent", "goal")
        assert "meaning" in best["by"]
        assert 0.4 < best["score"] <= 1
        assert PET in prompts[0]
        assert text.startswith(f"pet (agent): {PET} [")
        assert "by words alone" not in text
    else:
        assert (first["by"], first["memories"][0]["key"]) == ("order", "invoice 39")
        assert "REINS_SEARCH" in first["note"]
        assert PET not in prompts[0]
        assert text == (
            "[nothing was found]\n[by words alone: the search by meaning is off (REINS_SEARCH)]"
        )
    done = asyncio.run(replay.replay(recording))
    assert done.differences == []
