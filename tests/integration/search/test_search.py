"""The index over a real folder: what is found, and what becomes of it in trouble."""

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import orjson
import pytest

from reins.llm import ModelRouter
from reins.llm.from_settings import model_settings
from reins.search.index import Index
from reins.search.indexer import VectorsIndexer, WordsIndexer
from reins.search.resting import LOOK_S
from reins.search.searching import LEAST_ALIKE, Searcher
from reins.search.segments import read_note
from reins.settings import SettingsError, load_settings
from reins.threads import SEGMENTS
from store.finding.query import QueryError
from store.journal.file import Record
from tests.integration.store.support import message, step

TEXTS = (
    "The price of tea has doubled", "A joke about coffee in the lift", "東京の天気は晴れです",
    "Das Wetter in Köln", 'say "quoted" words; DROP TABLE words --', "nothing of note",
)  # fmt: skip


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


async def commit(store, *records):
    await store.journal.append(*records)


def indexer(store, *, busy=False):
    return WordsIndexer(store.reader, lambda: busy)


async def brought_up(words):
    """Until nothing is behind."""
    while (await asyncio.to_thread(words.run_once)) != LOOK_S:
        pass


def texts(found):
    return [hit.row["text"] for hit in found.hits]


async def search(store, query, **how):
    return await asyncio.to_thread(Searcher(store.reader).search, query, **how)


async def filled(store):
    for seq, text in enumerate(TEXTS, start=1):
        await commit(store, step("s", seq, text=text, agent_id="finn"))
    await commit(store, message("room", 1, "Mara speaks of the price of bread"))


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("tea", TEXTS[0]),
        ('"price of tea"', TEXTS[0]),
        ("東京", TEXTS[2]),
        ("koln", TEXTS[3]),
        ("quoted words", TEXTS[4]),
        ("price source:message", "Mara speaks of the price of bread"),
        ("price -tea", "Mara speaks of the price of bread"),
        ("price by:ann", "Mara speaks of the price of bread"),
        ("coffee agent:finn kind:said", TEXTS[1]),
    ],
)
async def test_what_is_found(store, query, first, indexed):
    """In the index as among the rows that it has not come to."""
    await filled(store)
    if indexed:
        await brought_up(indexer(store))
    found = await search(store, query)
    assert texts(found)[0] == first
    assert found.behind == 0


@pytest.mark.parametrize(
    "query",
    [
        "AND OR NOT", "tea^2 ~", "+(tea)", "[a TO z]", "te*", "/regex/", "'; --", '"', "\\",
        "x" * 900, "\u202etea", "tea\u0301\ufeff", "🫖" * 100, "name:value:more", "a:b c>d",
    ],
)  # fmt: skip
async def test_odd_queries_are_words(store, query):
    """Nothing of them is an operator, and none fails; in the index and before it."""
    await filled(store)
    before = texts(await search(store, query))
    await brought_up(indexer(store))
    assert len(texts(await search(store, query))) <= len(TEXTS) + 1
    assert len(before) <= len(TEXTS) + 1


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("k\u00f6ln", TEXTS[3]),
        ("ko\u0308ln", TEXTS[3]),
        ("\uff34\uff25\uff21", TEXTS[0]),
        ("\u6771\u4eac\u306e\u5929\u6c17", TEXTS[2]),
        ("DOUBLED", TEXTS[0]),
    ],
    ids=["NFC", "NFD", "full width", "CJK", "case"],
)
async def test_forms_of_letters_are_one(store, query, first, indexed):
    """However the keyboard, or the system, has written them."""
    await filled(store)
    if indexed:
        await brought_up(indexer(store))
    assert texts(await search(store, query))[0] == first


@pytest.mark.parametrize("indexed", [True, False])
async def test_a_text_in_another_form_is_found_by_any(store, indexed):
    """As files and keyboards of some systems have it: letters with their marks after them."""
    await commit(store, step("s", 1, text="Cafe\u0301 in Ko\u0308ln, \uff34\uff25\uff21"))
    if indexed:
        await brought_up(indexer(store))
    for query in ("caf\u00e9", "cafe", "k\u00f6ln", "ko\u0308ln", '"cafe\u0301 in"', "tea"):
        assert len((await search(store, query)).hits) == 1, query


async def test_what_cannot_be_asked_is_refused(store):
    """With what would be right."""
    with pytest.raises(QueryError, match="expected 1000 at the most"):
        await search(store, "x" * 10_000)


async def test_rows_are_found_at_once_and_once(store):
    """While they are taken up, and after their flush: never missed, never twice."""
    words = indexer(store)
    await brought_up(words)
    for seq in range(1, 41):
        await commit(store, step("s", seq, text=f"needle {seq}"))
        if seq % 7 == 0:
            await asyncio.to_thread(words.run_once)
        found = await search(store, "needle", limit=100)
        assert sorted(hit.row["number"] for hit in found.hits) == [*range(1, seq + 1)]


async def test_filters_alone_give_the_newest(store):
    """No word ranks them."""
    await filled(store)
    await brought_up(indexer(store))
    found = await search(store, "agent:finn -coffee", limit=3)
    assert [hit.row["number"] for hit in found.hits] == [6, 5, 4]


async def test_an_indexer_goes_on_where_the_one_before_was_killed(store):
    """What it had added and not noted is taken out, and added again."""
    await filled(store)
    killed = indexer(store)
    await brought_up(killed)
    note = read_note(store.folder.path / "search", "words")
    as_before = {**note, "upto": 3, "serial": 3}
    (store.folder.path / "search" / "words.json").write_text(json.dumps(as_before))
    await commit(store, step("s", 7, text="tea at last"))
    await brought_up(indexer(store))
    found = await search(store, "tea", limit=50)
    assert sorted(texts(found)) == ["The price of tea has doubled", "tea at last"]


@pytest.mark.parametrize("damage", ["cut", "note", "gone", "garbage"])
async def test_an_index_that_is_damaged_is_made_anew(store, damage):
    """Words are found meanwhile, from the tables, and again afterwards."""
    await filled(store)
    await brought_up(indexer(store))
    folder = store.folder.path / "search"
    match damage:
        case "cut":
            for file in folder.rglob("words-*/**/*.lance"):
                file.write_bytes(file.read_bytes()[:40])
        case "garbage":
            for file in folder.glob("words-*/_versions/*"):
                file.write_bytes(b"garbage")
        case "note":
            (folder / "words.json").write_text("{")
        case "gone":
            shutil.rmtree(folder)
    assert "The price of tea has doubled" in texts(await search(store, "tea"))
    words = indexer(store)
    for _ in range(3):  # a round that meets the damage fails, and the next begins anew
        try:
            await brought_up(words)
            break
        except Exception as error:  # noqa: BLE001 - LanceDB raises anything
            words.failed(error)
    assert texts(await search(store, "tea")) == ["The price of tea has doubled"]


async def test_another_journal_has_another_index(store, tmp_path):
    """A folder that was put in the place of this one is read from its beginning."""
    await filled(store)
    await brought_up(indexer(store))
    note = read_note(store.folder.path / "search", "words")
    (store.folder.path / "search" / "words.json").write_text(
        json.dumps({**note, "identity": 12_345})
    )
    await brought_up(indexer(store))
    assert len(texts(await search(store, "price", limit=50))) == 2


@pytest.fixture
async def model(data, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(data))
    made = ModelRouter(model_settings(load_settings()))
    await made.start()
    yield made
    await made.stop()


async def embedded(store, model):
    vectors = VectorsIndexer(store.reader, model, lambda: False)
    while (await vectors.run_once()) != LOOK_S:
        pass
    return vectors


def asking(model, loop):
    def vector(text, route):
        assert route == model.embeddings
        return asyncio.run_coroutine_threadsafe(model.embed([text]), loop).result()[0]

    return vector


async def test_what_is_meant_is_found_by_other_words(store, model):
    """And what has both words and meaning stands first."""
    await filled(store)
    await brought_up(indexer(store))
    await embedded(store, model)
    loop = asyncio.get_running_loop()
    found = await search(store, "beverage", vector=asking(model, loop))
    assert found.by_meaning
    assert {TEXTS[0], TEXTS[1]} & set(texts(found)[:2])
    assert found.hits[0].by == ("meaning",)
    both = await search(store, "coffee", vector=asking(model, loop))
    assert both.hits[0].by == ("words", "meaning")
    within = await search(store, "expensive loaf source:message", vector=asking(model, loop))
    assert texts(within) == ["Mara speaks of the price of bread"]
    assert within.hits[0].by == ("meaning",)


async def test_what_has_nothing_to_do_with_it_is_not_meant(store, model):
    """Below a bound that was measured for the built-in embeddings, each text is as near as all."""
    assert model.embeddings.split()[-1] in LEAST_ALIKE
    await filled(store)
    await brought_up(indexer(store))
    await embedded(store, model)
    vector = asking(model, asyncio.get_running_loop())
    found = await search(store, "xyzzy plugh", vector=vector)
    assert found.by_meaning
    assert texts(found) == []
    assert TEXTS[5] not in texts(await search(store, "beverage", vector=vector))


async def test_rows_like_another_are_those_that_mean_the_same(store, model):
    """By its own vector, without asking the model; filters hold, and it is none of them itself."""
    await filled(store)
    await brought_up(indexer(store))
    await embedded(store, model)
    asked = []
    found = await search(store, "", like="s:1", vector=lambda *given: asked.append(given))
    assert texts(found)[0] == "Mara speaks of the price of bread"
    assert TEXTS[0] not in texts(found)
    assert found.by_meaning
    assert not asked
    within = await search(store, "agent:finn", like="s:1")
    assert {hit.row["agent_id"] for hit in within.hits} == {"finn"}


async def test_a_row_without_a_vector_is_embedded(store, model):
    """One that the index has not come to is compared all the same."""
    await filled(store)
    await brought_up(indexer(store))
    await embedded(store, model)
    await commit(store, message("room", 2, "What coffee costs"))
    vector = asking(model, asyncio.get_running_loop())
    found = await search(store, "", like="room:2", vector=vector)
    assert found.by_meaning
    assert TEXTS[1] in texts(found)[:3]


async def test_a_wrong_setting_is_no_damage(store, monkeypatch):
    """Who searches is told of it, and the index stays."""
    await filled(store)
    await brought_up(indexer(store))
    with monkeypatch.context() as wrong:
        wrong.setenv("REINS_SEARCH_MB", "1")
        with pytest.raises(SettingsError, match="REINS_SEARCH_MB"):
            await search(store, "tea")
    assert not (store.folder.path / "search" / "damaged").exists()
    assert texts(await search(store, "tea"))


async def test_no_thread_is_no_damage_either(store, monkeypatch):
    """In a notebook, say: where no thread can be had, its own has a loop that must not wait."""
    await filled(store)
    await brought_up(indexer(store))
    searcher, now = Searcher(store.reader), datetime.now(UTC)
    with monkeypatch.context() as without:
        without.setattr(SEGMENTS, "_executor", ThreadPoolExecutor(1))
        SEGMENTS._executor.shutdown()
        with pytest.raises(OSError, match="no thread can be had"):
            searcher.search("tea", now=now)
    assert not (store.folder.path / "search" / "damaged").exists()
    assert (await asyncio.to_thread(searcher.search, "tea", now=now)).hits


async def test_vectors_of_another_route_are_made_anew(store, model):
    """Those of two models do not compare."""
    await filled(store)
    await brought_up(indexer(store))
    await embedded(store, model)
    index = Index(store.folder)
    assert index.open_vectors(model.embeddings) == read_note(index.folder, "words")["serial"]
    assert index.open_vectors("another model") == 0
    await embedded(store, model)
    assert index.open_vectors(model.embeddings) > 0


async def test_an_index_that_was_made_anew_gets_its_vectors_again(store, model):
    """Also by a loop that had come to their end."""
    await filled(store)
    await brought_up(indexer(store))
    vectors = await embedded(store, model)
    shutil.rmtree(store.folder.path / "search")
    while (
        await vectors.run_once()
    ) != LOOK_S:  # it meets the gap, and begins anew at its next round
        pass
    await brought_up(indexer(store))
    while (await vectors.run_once()) != LOOK_S:
        pass
    index = Index(store.folder)
    assert index.open_vectors(model.embeddings) == read_note(index.folder, "words")["serial"]


async def test_what_agents_repeat_is_embedded_once(store, model, monkeypatch):
    """By the hash of the text."""
    for seq in range(1, 11):
        await commit(store, step("s", seq, text="the same again"))
    await brought_up(indexer(store))
    asked, embed = [], model.embed

    async def counted(given):
        asked.extend(given)
        return await embed(given)

    monkeypatch.setattr(model, "embed", counted)
    await embedded(store, model)
    assert asked == ["the same again"]


async def test_rows_far_behind_are_told(store, monkeypatch):
    """A search looks through so many of them, and says how many it left out."""
    monkeypatch.setattr("reins.search.behind._TAIL_ROWS", 1)
    monkeypatch.setattr("store.following._BATCH", 1)
    await filled(store)
    found = await search(store, "price")
    assert found.behind > 0


async def test_memories_are_found(store):
    """By key and value, with who wrote them."""
    row = {
        "memory_id": "m1", "kind": "put", "session_id": "s", "agent_id": "finn", "life": 1,
        "scope": "session", "key": "birthday", "version": 1, "value": "in March", "source": "tick",
        "at": int(datetime.now(UTC).timestamp() * 1e6), "expires_at": None, "restores": None,
        "seq": 4, "call_id": None, "message_id": None, "document": None, "actor": "finn",
    }  # fmt: skip
    await commit(store, Record("memories", orjson.dumps(row), "s"))
    await brought_up(indexer(store))
    found = await search(store, "march source:memories")
    assert texts(found) == ["birthday: in March"]
    assert found.hits[0].row["actor"] == "finn"


async def test_an_index_of_another_format_is_none(store):
    """One that an older Reins has left is not searched, until the worker has made it anew."""
    await filled(store)
    await brought_up(indexer(store))
    folder = store.folder.path / "search"
    note = json.loads((folder / "words.json").read_text())
    (folder / "words.json").write_text(json.dumps({**note, "format": note["format"] - 1}))
    found = await search(store, "tea")
    assert (texts(found), found.indexed) == (["The price of tea has doubled"], False)
    await brought_up(indexer(store))
    found = await search(store, "tea")
    assert (texts(found), found.indexed) == (["The price of tea has doubled"], True)
