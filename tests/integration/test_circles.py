"""A session that goes in circles: told, held for a person, or paused, as the settings say."""

import asyncio

import orjson
import pytest

import queue_imp as q
from agents import Runtime
from reins.history import recording as replay
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from tests.support.model_stub import ModelStub, answers
from tests.support.waiting import until_async


@pytest.fixture
def soon(monkeypatch):
    """The loops of the index begin at once."""
    monkeypatch.setattr("reins.search.indexer._FIRST_S", 0.05)


def snapshot():
    return orjson.loads(get_agent_state("ada")["snapshot"])


@pytest.mark.usefixtures("soon")
async def test_it_is_told_and_then_a_person_is_asked(tmp_path, monkeypatch):
    """It is told on its rows; with `ask` it is stuck until a person says something, and asked about
    again once it goes in circles again; with `pause` it is paused. A tick waits for none of it.
    """
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    async with ModelStub() as stub:
        stub.default = answers("The same joke about cats.")
        monkeypatch.setenv("REINS_MODEL", "m")
        monkeypatch.setenv("REINS_MODEL_BASE_URL", stub.address + "/v1")
        runtime = Runtime(load_settings(heartbeat_s=0.05, search="meaning"))
        await runtime.start()
        try:
            created = q.agent_create("ada", "ann", "cats")
            await asyncio.to_thread(q.wait_for_action, created)
            told = await until_async(lambda: snapshot().get("sameness"), "it is told")
            assert told["circles"]
            assert told["figure"] > 0.95
            assert snapshot()["status"] == "running"
            runtime.settings = load_settings(heartbeat_s=0.05, search="meaning", circles="ask")
            waits = await until_async(lambda: snapshot().get("waits"), "it is held")
            assert waits["kind"] == "stuck"
            assert "goes in circles" in waits["reason"]
            rows = list_steps("ada")
            assert rows[-1]["text"].startswith("running; it is stuck: it goes in circles")
            guided = q.agent_interrupt("ada", "ann", "dogs")
            receipt = await asyncio.to_thread(q.wait_for_action, guided)
            assert receipt["outcome"] == "applied"
            runtime.settings = load_settings(heartbeat_s=0.05, search="meaning", circles="pause")
            await until_async(lambda: snapshot()["status"] == "paused", "it is paused")
            *_, guidance, last = [r for r in list_steps("ada", limit=500) if r["kind"] != "tick"]
            assert last["text"].startswith("paused: it goes in circles")
            assert last["seq"] - guidance["seq"] > 8, "it is judged anew"
        finally:
            await runtime.stop()
    done = await replay.replay(await asyncio.to_thread(replay.record, "ada"))
    assert done.differences == [], "what holds it comes from outside, and is on record"
