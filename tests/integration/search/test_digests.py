"""Sessions found by what stands in several of their rows, and actions by why they were done."""

import asyncio
import shutil

import orjson
import pytest

import queue_imp as q
from reins.search.index import VECTORS, Index
from reins.search.indexer import WordsIndexer
from reins.search.searching import Searcher
from reins.search.segments import Part
from store.agents_config import record
from store.queue.writer import writer_at
from tests.integration.search.test_search import (
    brought_up,
    commit,
    data,
    embedded,
    indexer,
    model,
    search,
    texts,
)
from tests.integration.store.support import step

__all__ = ["data", "model"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("reins.search.digests._PAUSE_S", 0.0)


def created(session_id, **config):
    return record(
        {
            "session_id": session_id, "agent_id": session_id, "agent_type": "task",
            "config": orjson.dumps(config).decode(), "created_by": "ann",
            "created_at": 1_700_000_000_000_000,
        }
    )  # fmt: skip


def guided(session_id, seq, text, result=None, actor="carol"):
    made = step(session_id, seq, text=text)
    row = orjson.loads(made.body)
    row |= {
        "kind": "guidance",
        "payload": orjson.dumps({"actor": actor}).decode(),
        "state": orjson.dumps(orjson.loads(row["state"]) | {"result": result}).decode(),
    }
    return made._replace(body=orjson.dumps(row))


async def sessions(store):
    """Two that are about boats; one was told of the harbour, and said something of herring."""
    await commit(store, created("boats", goal="count the ferries"))
    await commit(store, created("ships", goal="count the ferries"))
    await commit(store, guided("boats", 1, "only those in the harbour"))
    await commit(store, step("boats", 2, text="herring is sold on deck"))


async def test_a_session_is_found_by_words_of_several_rows(store):
    """It stands before the rows that have one of them each."""
    await sessions(store)
    words = indexer(store)
    await brought_up(words)
    found = await search(store, "ferries harbour herring")
    first = found.hits[0].row
    assert (first["source"], first["session_id"], first["agent_type"]) == (
        "session", "boats", "task",
    )  # fmt: skip
    assert "carol: only those in the harbour" in first["text"].splitlines()
    both = await search(store, "ferries source:session")
    assert {hit.row["session_id"] for hit in both.hits} == {"boats", "ships"}


async def test_a_digest_takes_the_place_of_the_one_before(store):
    """What holds no longer is not found by it; what guides it, at once."""
    await sessions(store)
    words = indexer(store)
    await brought_up(words)
    await commit(store, step("boats", 3, text="now for the lighthouse"))
    await commit(store, guided("boats", 4, "and the ducks", "now for the lighthouse"))
    await brought_up(words)
    found = await search(store, "source:session session:boats")
    [text] = texts(found)
    assert "herring" not in text
    assert text.splitlines()[-1] == "now for the lighthouse"
    assert "carol: and the ducks" in text
    assert texts(await search(store, "herring source:session")) == []


async def test_what_was_due_at_a_kill_is_made_afterwards(store):
    """A digest of something older than the session's newest row is made anew at the start."""
    await sessions(store)
    killed = indexer(store)
    await brought_up(killed)
    await commit(store, step("boats", 3, text="now for the lighthouse"))
    await brought_up(killed)  # a tick's digest waits, and is lost with it
    assert texts(await search(store, "lighthouse source:session")) == []
    await brought_up(indexer(store))
    assert len(texts(await search(store, "lighthouse source:session"))) == 1
    assert len(Index(store.folder).digests()) == 2


async def test_a_session_has_one_vector(store, model):
    """That of its digest as it is."""
    await sessions(store)
    words = indexer(store)
    await brought_up(words)
    await embedded(store, model)
    await commit(store, guided("boats", 3, "and the ducks"))
    await brought_up(words)
    await embedded(store, model)
    folder = store.folder.path / "search"

    async def ask(table):
        return [await table.count_rows("source = 'session'")]

    assert sum(Part(folder, VECTORS).each(ask)) == 2
    asked = (await model.embed(["ducks in a port"]))[0]
    found = await search(store, "ducks in a port source:session", vector=lambda *_: asked)
    assert found.hits[0].row["session_id"] == "boats"
    assert found.hits[0].by == ("words", "meaning")


@pytest.mark.parametrize("indexed", [True, False])
async def test_an_action_is_found_by_why_it_was_done(store, indexed):
    """By whom, of what kind, and as what; what says nothing is no hit."""
    writer = writer_at(store.folder.path)
    pause = q.create_action(
        "agent_pause", "carol", agent_id="boats", description="the harbour is closed",
        reason="until the storm is over", action_id="why",
    )  # fmt: skip
    writer.append(pause, q.create_action("agent_resume", "carol", agent_id="boats"))
    if indexed:
        await brought_up(indexer(store))
    for query in ("harbour", "storm", "by:carol", "kind:agent_pause session:boats"):
        [hit] = (await search(store, f"{query} source:action")).hits
        assert hit.row["action_id"] == "why"
    assert texts(await search(store, "harbour by:ann")) == []
    text = (await search(store, "storm")).hits[0].row["text"]
    assert text == "the harbour is closed\nuntil the storm is over"


async def test_actions_are_indexed_once(store):
    """Whatever is restarted, or made anew."""
    writer = writer_at(store.folder.path)
    for number in range(5):
        writer.append(q.create_action("agent_pause", "carol", agent_id="s", reason=f"fog {number}"))
        words = WordsIndexer(store.reader, lambda: False)
        await brought_up(words)
    shutil.rmtree(store.folder.path / "search")
    assert len(texts(await search(store, "fog"))) == 5
    await brought_up(indexer(store))
    found = await asyncio.to_thread(Searcher(store.reader).search, "fog source:actions")
    assert sorted(texts(found)) == [f"fog {number}" for number in range(5)]
