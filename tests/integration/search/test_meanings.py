"""How like texts are: by the vectors that the index has, and by those that are made now."""

import asyncio

import pytest

from reins.llm import ModelError, ModelRouter
from reins.llm.from_settings import model_settings
from reins.mind import MemoryRow
from reins.mind.rows import record_of
from reins.search.indexer import VectorsIndexer, WordsIndexer
from reins.search.meanings import Meanings
from reins.search.resting import LOOK_S
from reins.settings import load_settings
from store.times import now_us

OWNER = {"session_id": "s", "agent_id": "a", "life": 1}


class Counted:
    """The built-in embeddings, and what they were asked for; raises `error` where there is one."""

    def __init__(self, model):
        self.model, self.asked, self.error = model, [], None

    @property
    def embeddings(self):
        return self.model.embeddings

    async def embed(self, texts):
        self.asked += texts
        if self.error is not None:
            raise self.error
        return await self.model.embed(texts)


@pytest.fixture
async def model():
    router = ModelRouter(model_settings(load_settings()))
    await router.start()
    yield Counted(router)
    await router.stop()


async def test_what_is_alike_is_told_and_asked_for_once(store, model):
    """A dog is more like a beagle than an invoice is; the second time nothing is asked."""
    meanings = Meanings(store.reader, model)
    texts = ["pet: Rex is a beagle", "invoice: paid in March"]
    [(pet, invoice)] = await meanings.likeness(["a dog"], texts)
    assert -1 <= invoice < pet <= 1
    assert model.asked == ["a dog", *texts]
    both = [meanings.likeness(["a dog", f"cat {n}"], texts) for n in (1, 1)]
    again = await asyncio.gather(*both)
    assert again[0] == again[1]
    assert model.asked[3:] == ["cat 1"]


async def test_vectors_of_the_index_are_used(store, model):
    """What it has is not asked for; what it has not is."""
    row = MemoryRow(id="1", kind="put", key="it's", version=1, at=now_us(), value="Rex's a dog")
    await store.journal.append(record_of(row, OWNER, 1))
    words = WordsIndexer(store.reader, lambda: False)
    vectors = VectorsIndexer(store.reader, model, lambda: False)
    while await asyncio.to_thread(words.run_once) != LOOK_S:
        pass
    while await vectors.run_once() != LOOK_S:
        pass
    assert model.asked == ["it's: \"Rex's a dog\""]
    meanings = Meanings(store.reader, model)
    found = await meanings.likeness(["a dog"], ["it's: \"Rex's a dog\"", "new: nobody knows"])
    assert model.asked[1:] == ["a dog", "new: nobody knows"]
    assert found[0][0] > found[0][1]


async def test_embeddings_that_are_away_are_left_alone(store, model):
    """Who asks is told why, at once; nothing is asked for a while."""
    model.error = ModelError("nobody is there", kind="network", retryable=True)
    meanings = Meanings(store.reader, model)
    why = await meanings.likeness(["a dog"], ["pet: Rex"])
    assert why == "the embeddings do not answer: nobody is there"
    model.error = None
    assert await meanings.likeness(["a dog"], ["pet: Rex"]) == why
    assert len(model.asked) == 2


async def test_nobody_waits_for_long(store, model, monkeypatch):
    """Embeddings that do not answer keep no thought from being thought."""
    monkeypatch.setattr("reins.search.meanings._WAIT_S", 0.01)

    async def never(texts):
        await asyncio.Event().wait()

    model.embed = never
    why = await Meanings(store.reader, model).likeness(["a dog"], ["pet: Rex"])
    assert why == "the embeddings did not answer within 0.01 s"
