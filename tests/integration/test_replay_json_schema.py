"""A task whose route held its model to a schema, done again from its record."""

import asyncio
import json

import queue_imp as q
from agents import Runtime
from reins.history import recording as replay
from reins.settings import load_settings
from store.agent_steps import list_steps
from tests.support.callers import route
from tests.support.model_stub import ModelStub, answers, fails
from tests.support.waiting import until


def said(tool, **arguments):
    call = {"thought": "so", "call": {"tool": tool, "arguments": arguments}}
    return answers(json.dumps(call))


def test_it_gives_the_same_log(tmp_path, monkeypatch):
    """Its prompts for JSON alone are found, and so are those of the fallback that had none."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KEY", "k")
    recording = asyncio.run(live(tmp_path / "models.toml", monkeypatch))
    assert [call["route"] for call in recording["calls"]] == ["a", "a", "b", "a"]
    asked = ["raw block" in call["request"] for call in recording["calls"]]
    assert asked == [False, False, True, False]
    assert asyncio.run(replay.replay(recording)).differences == []


async def live(file, monkeypatch):
    async with ModelStub() as stub, ModelStub() as other:
        text = route("a", stub, json_schema="tools", fallback=["b"]) + route("b", other)
        file.write_text(f'default = "a"\n{text}')
        monkeypatch.setenv("REINS_MODELS", str(file))
        stub.replies += [said("list_files"), fails(500), said("finish", status="done", summary="s")]
        other.replies.append(said("list_files", path="."))
        runtime = Runtime(load_settings(heartbeat_s=0.05, stop_grace_s=5))
        await runtime.start()
        config = {"goal": "look", "tools": ["list_files"]}
        q.agent_create("ada", "ann", agent_type="task", config=config)
        await asyncio.to_thread(
            until, lambda: [row["kind"] for row in list_steps("ada")][-1:] == ["final"]
        )
        await runtime.stop()
    return replay.record("ada")
