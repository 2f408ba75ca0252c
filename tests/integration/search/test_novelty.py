"""Novelty over a real index: figures of sessions, by what the index is given."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reins.llm import ModelRouter
from reins.llm.from_settings import model_settings
from reins.search.indexer import VectorsIndexer, WordsIndexer
from reins.search.novelty import Novelty
from reins.search.resting import LOOK_S
from reins.settings import load_settings
from tests.integration.store.support import message, step

NEWS = (
    "the price of tea has doubled", "a cat sleeps on the stairs", "rain is due in Cologne",
    "the invoice was paid in March", "nobody answers the phone", "bread is baked at five",
    "the lift is out of order", "Ann has found the key", "two trains were late",
    "the harbour freezes in winter",
)  # fmt: skip


class Index:
    """The loops over one store, brought up to date by hand."""

    def __init__(self, store, model):
        self.store, self.told = store, {}
        self._model = model
        self._words = WordsIndexer(store.reader, lambda: False)
        self.begin(at=0)

    def begin(self, at):
        """Another loop, which tells of rows that came after so many."""
        since = datetime.fromtimestamp(1_700_000_000, UTC) + timedelta(microseconds=at + 1)
        novelty = Novelty(self.told.update, lambda: since)
        self._vectors = VectorsIndexer(self.store.reader, self._model, lambda: False, novelty)

    async def say(self, session_id, *texts, kind="tick", after=0):
        for seq, text in enumerate(texts, after + 1):
            await self.store.journal.append(
                step(session_id, seq, text=text, agent_id="a", kind=kind)
            )

    async def follow(self):
        while await asyncio.to_thread(self._words.run_once) != LOOK_S:
            pass
        while await self._vectors.run_once() != LOOK_S:
            pass


@pytest.fixture
async def index(store):
    model = ModelRouter(model_settings(load_settings()))
    await model.start()
    yield Index(store, model)
    await model.stop()


async def test_who_goes_in_circles_is_told_from_who_does_not(index):
    """Each by its own past: what others have said before is new to it."""
    await index.say("turns", *["the price is right", "the price is wrong"] * 6)
    await index.say("news", *NEWS)
    await index.say("again", *NEWS)
    await index.follow()
    assert index.told["turns"] > 0.99
    assert index.told["news"] < 0.6
    assert index.told["again"] == pytest.approx(index.told["news"], abs=1e-5)


async def test_a_word_of_a_person_begins_it_anew(index):
    """What follows is an answer; it is in circles again once it has said enough."""
    await index.say("s", *["the same"] * 10)
    await index.say("s", "guidance: something else", kind="guidance", after=10)
    await index.follow()
    assert index.told["s"] is None
    await index.say("s", *["the same"] * 8, after=11)
    await index.follow()
    assert index.told["s"] == pytest.approx(1, abs=1e-5)


async def test_a_start_knows_the_past_and_tells_nothing_of_it(index):
    """The past is read again from the index; figures are those of rows that come after."""
    index.begin(at=10)
    await index.say("s", *["the same"] * 10)
    await index.follow()
    assert index.told == {}
    await index.say("s", "the same", after=10)
    await index.follow()
    assert index.told["s"] == pytest.approx(1, abs=1e-5)


async def test_messages_of_a_persona_count(index):
    """And the rows between do not, which say why it is silent."""
    for number, text in enumerate(NEWS, 1):
        await index.store.journal.append(message("room", number, text, session_id="bea"))
        await index.say("bea", "silent: the newest message is its own", after=number)
    await index.follow()
    assert index.told["bea"] < 0.6
