"""The contract of key-value stores, over each kind of them."""

import asyncio
import random
from dataclasses import dataclass

import pytest

from reins.kv import (
    ABSENT,
    MAX_KEY_BYTES,
    MAX_SEQ,
    MAX_VALUE_BYTES,
    ConflictError,
    Entry,
    KVError,
    Row,
    rows,
)

VALUES = [
    None, True, False, 0, -1, (1 << 63) - 1, -(1 << 63), 1.5, 1e300, 5e-324, "", "a\0b",
    "é😀\U0010ffff", [], {}, [[[]]], {"": {"é": [1, None, {"x": "\n\\\"'%s"}]}}, "%(key)s", "NULL",
    list(range(1000)),
]  # fmt: skip
KEYS = [
    "a", "A", "aa", "a/b", "a\\b", "../a", "/etc/passwd", ".", "..", ".lock", ".floor", " ", "a b",
    "con", "%", "%s", "'", '"', "*", "[a-z]", "(", "+", "-", "\n", "\x01", "\x7f", "é", "e\u0301",
    "ß", "SS",
    "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "a\U0010ffff",
    "{reins:kv}:version", "a" * MAX_KEY_BYTES, "é" * (MAX_KEY_BYTES // 2),
]  # fmt: skip


async def test_a_value_comes_back_as_it_was(kv):
    """JSON of every kind; a version that grows; nothing where nothing was put."""
    assert await kv.get("nothing") is None
    before = 0
    for value in VALUES:
        version = await kv.put("key", value)
        assert version > before
        assert await kv.get("key") == Entry(value, version)
        before = version


async def test_a_large_value(kv):
    """The largest comes back, the next one is refused."""
    value = "x" * (MAX_VALUE_BYTES - 2)
    version = await kv.put("key", value)
    assert await kv.get("key") == (value, version)
    with pytest.raises(KVError, match=r"4194305 bytes.*Divide"):
        await kv.put("key", value + "x")
    assert await kv.get("key") == (value, version)


@dataclass
class Plain:
    x: int = 1


@pytest.mark.parametrize(
    "value",
    [float("nan"), [float("inf")], (1, 2), {"a": (1,)}, {1: 2}, {1}, b"x", Plain(), 1 << 70,
     "\ud800"],
    ids=repr,
)  # fmt: skip
async def test_what_is_no_json_is_refused(kv, value):
    """What would not come back as it is, by every way in."""
    for put in (kv.put("key", value), kv.put_newer("key", value, 1)):
        with pytest.raises(KVError, match=r"value of 'key'.*[Pp]ut"):
            await put
    assert await kv.get("key") is None


async def test_keys_of_all_kinds(kv):
    """Each key is its own, and they come in the order of code points."""
    versions = {key: await kv.put(key, [key]) for key in KEYS}
    for key in KEYS:
        assert await kv.get(key) == ([key], versions[key])
    expected = [Row(key, [key], versions[key]) for key in sorted(KEYS)]
    assert await kv.scan() == expected
    assert [row async for row in rows(kv, page=7)] == expected
    for key in KEYS:
        assert await kv.delete(key)
        assert await kv.get(key) is None
    assert await kv.scan() == []


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800", "é" * 513, 7, b"a", None], ids=ascii)
async def test_what_is_no_key_is_refused(kv, key):
    """By every call, with what to do."""
    for call in (kv.get(key), kv.put(key, 1), kv.put_newer(key, 1, 1), kv.delete(key)):
        with pytest.raises(KVError, match="key"):
            await call
    if key != "":
        with pytest.raises(KVError, match="prefix"):
            await kv.scan(key)


async def test_a_writer_says_what_it_expects(kv):
    """ABSENT, a version, or nothing; a conflict writes nothing and says what is there."""
    first = await kv.put("key", 1, expect=ABSENT)
    second = await kv.put("key", 2, expect=first)
    for given in (ABSENT, first, second + 1):
        with pytest.raises(ConflictError, match="Read it again") as refused:
            await kv.put("key", 3, expect=given)
        assert (refused.value.given, refused.value.found) == (given, second)
    with pytest.raises(ConflictError, match="and is absent"):
        await kv.put("other", 3, expect=first)
    assert await kv.get("key") == (2, second)
    assert await kv.get("other") is None


async def test_a_delete_says_what_it_expects(kv):
    """It is refused as a put is, and is True only where there was something."""
    version = await kv.put("key", 1)
    with pytest.raises(ConflictError) as refused:
        await kv.delete("key", expect=version + 1)
    assert refused.value.found == version
    assert await kv.delete("key", expect=version) is True
    with pytest.raises(ConflictError) as refused:
        await kv.delete("key", expect=version)
    assert refused.value.found is ABSENT
    assert await kv.delete("key") is False


@pytest.mark.parametrize("expect", [0, -1, True, 1.0, "1"])
async def test_an_expectation_is_a_version(kv, expect):
    """Not any number, nor a truth."""
    with pytest.raises(KVError, match="expect is"):
        await kv.put("key", 1, expect=expect)
    with pytest.raises(KVError, match="expect is"):
        await kv.delete("key", expect=expect)


async def test_a_version_never_comes_again(place):
    """Over deletes, by several stores on the same rows: who expects an old one is refused."""
    seen = []
    for turn in range(4):
        kv = place.open()
        seen.append(await kv.put("key", turn))
        seen.append(await kv.put("key", turn))
        await kv.put("other", turn)
        await kv.delete("other")
        await kv.delete("key")
    assert sorted(set(seen)) == seen
    last = await kv.put("key", 0)
    assert last > seen[-1]
    for old in seen:
        with pytest.raises(ConflictError):
            await kv.put("key", 1, expect=old)


async def test_only_what_is_newer_is_put(kv):
    """By its seq, never backwards, and not twice."""
    assert await kv.put_newer("key", "five", 5) is True
    first = await kv.get("key")
    for seq in (5, 4, 1):
        assert await kv.put_newer("key", "old", seq) is False
    assert await kv.get("key") == first
    assert await kv.put_newer("key", "most", MAX_SEQ) is True
    assert await kv.put_newer("key", "old", MAX_SEQ - 1) is False
    found = await kv.get("key")
    assert found.value == "most"
    assert found.version > first.version


async def test_the_seq_of_a_key(kv):
    """A put leaves it, a delete forgets it, and one that was put without has none."""
    await kv.put_newer("key", 1, 5)
    await kv.put("key", 2)
    assert await kv.put_newer("key", 3, 5) is False
    assert await kv.delete("key") is True
    assert await kv.put_newer("key", 3, 1) is True
    await kv.put("plain", 1)
    assert await kv.put_newer("plain", 2, 1) is True
    for seq in (0, -1, MAX_SEQ + 1, True, 1.5, "1"):
        with pytest.raises(KVError, match="seq is"):
            await kv.put_newer("key", 1, seq)


async def test_mirrors_in_any_order(place):
    """What several write at once, each in an order of its own, ends with the newest; a reader
    never sees it go back."""
    writers, chance, seqs = [place.open() for _ in range(4)], random.Random(1), range(1, 41)
    reader, seen, over = place.open(), [], asyncio.Event()

    async def mirror(kv, order):
        return [seq for seq in order if await kv.put_newer("key", {"seq": seq}, seq)]

    async def look():
        while not over.is_set():
            if found := await reader.get("key"):
                seen.append(found.value["seq"])
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    done = await asyncio.gather(*(mirror(kv, chance.sample(seqs, 40)) for kv in writers))
    over.set()
    await looking
    assert seen == sorted(seen)
    assert (await reader.get("key")).value == {"seq": 40}
    put = sorted(seq for each in done for seq in each)
    assert put == sorted(set(put)), "one seq was put by two"
    assert all(each == sorted(each) for each in done)


async def test_pages(kv):
    """A prefix, a place to go on from, a limit; a prefix ends where it ends."""
    keys = [
        "a",
        "b",
        "b\U0010ffff",
        "b\U0010ffff1",
        "b/1",
        "b/2",
        "b/3",
        "b0",
        "c",
        "\ud7ff1",
        "\ue000",
    ]
    for key in keys:
        await kv.put(key, key)

    async def found(*args, **given):
        return [row.key for row in await kv.scan(*args, **given)]

    assert await found("b/") == ["b/1", "b/2", "b/3"]
    assert await found("b/", limit=2) == ["b/1", "b/2"]
    assert await found("b/", after="b/2") == ["b/3"]
    assert await found("b/", after="b/3") == []
    assert await found("b/", after="a") == ["b/1", "b/2", "b/3"]
    assert await found("b/", after="c") == []
    assert await found("b/", after="b/11") == ["b/2", "b/3"]
    assert await found("b\U0010ffff") == ["b\U0010ffff", "b\U0010ffff1"]
    assert await found("\ud7ff") == ["\ud7ff1"]
    assert await found("\U0010ffff") == []
    assert await found(limit=1) == ["a"]
    assert await found() == sorted(keys)
    assert [row.key async for row in rows(kv, "b", page=2)] == sorted(
        k for k in keys if k[0] == "b"
    )
    for limit in (0, -1, 1001, True, 1.5):
        with pytest.raises(KVError, match="limit is"):
            await kv.scan(limit=limit)


async def test_a_page_of_large_values_is_shorter(kv):
    """It ends with the row that passes 16 MiB."""
    for number in range(7):
        await kv.put(f"{number}", "x" * (3 << 20))
    page = await kv.scan()
    assert [row.key for row in page] == ["0", "1", "2", "3", "4", "5"]
    assert [row.key for row in await kv.scan(after="5")] == ["6"]


async def test_pages_while_others_write(place):
    """Each row that stays is seen once and in order, whatever comes and goes beside it."""
    stay = [f"{number:03}" for number in range(60)]
    kv, other, over = place.open(), place.open(), asyncio.Event()
    for key in stay:
        await kv.put(key, 0)

    async def disturb():
        chance = random.Random(2)
        while not over.is_set():
            key = f"{chance.choice(stay)}-{chance.randrange(3)}"
            await (other.put(key, 1) if chance.random() < 0.6 else other.delete(key))
            await asyncio.sleep(0)

    disturbing = asyncio.create_task(disturb())
    try:
        for _ in range(5):
            seen = [row.key async for row in rows(kv, page=7)]
            assert seen == sorted(set(seen))
            assert [key for key in seen if key in stay] == stay
    finally:
        over.set()
        await disturbing


async def test_one_wins_each_version(place):
    """Of all that expect the same, one writes; the others are told of it."""
    stores = [place.open() for _ in range(6)]
    for given in (ABSENT, await stores[0].put("old", 0)):
        key = "new" if given is ABSENT else "old"
        tries = [kv.put(key, number, expect=given) for number, kv in enumerate(stores)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        won = [number for number, end in enumerate(done) if isinstance(end, int)]
        assert len(won) == 1
        assert sum(isinstance(end, ConflictError) for end in done) == 5
        assert await stores[0].get(key) == (won[0], done[won[0]])


async def test_a_counter_adds_up(place):
    """Many writers that read, add one and expect what they read."""
    stores = [place.open() for _ in range(6)]

    async def count(kv):
        for _ in range(8):
            await add_one(kv, "counter")

    await asyncio.gather(*map(count, stores))
    assert (await stores[0].get("counter")).value == 48


async def add_one(kv, key):
    while True:
        found = await kv.get(key)
        try:
            if found is None:
                return await kv.put(key, 1, expect=ABSENT)
            return await kv.put(key, found.value + 1, expect=found.version)
        except ConflictError:
            await asyncio.sleep(0)


async def test_deletes_and_puts_at_once(place):
    """The versions that one key was given are all different, and what is left is the highest."""
    stores = [place.open() for _ in range(4)]

    async def toggle(kv, seed):
        chance, given = random.Random(seed), []
        for _ in range(15):
            if chance.random() < 0.4:
                await kv.delete("key")
            else:
                given.append(await kv.put("key", seed))
        return given

    done = await asyncio.gather(*map(toggle, stores, range(4)))
    given = [version for each in done for version in each]
    assert len(set(given)) == len(given)
    assert all(each == sorted(each) for each in done)
    assert await stores[0].put("key", 0) > max(given)


async def test_cancelled_calls_leave_no_answer_behind(kv):
    """The answer of a call that was given up is not taken for the next one's."""
    chance, keys = random.Random(3), [f"{number}" for number in range(20)]
    for key in keys:
        await kv.put(key, key)
    for _ in range(25):
        tasks = [asyncio.create_task(kv.get(key)) for key in keys]
        await asyncio.sleep(chance.uniform(0, 0.003))
        for task in chance.sample(tasks, 10):
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for key, end in zip(keys, done, strict=True):
            assert isinstance(end, asyncio.CancelledError) or end.value == key


async def test_the_end(place):
    """A second close does nothing, a later call is refused; the rows are there for the next."""
    async with place.open() as kv:
        await kv.put("key", 1)
    await kv.close()
    if place.kind != "memory":
        with pytest.raises(KVError, match="closed"):
            await kv.get("key")
    assert (await place.open().get("key")).value == 1


async def test_a_store_that_was_never_used(place):
    """It opens nothing, and closes."""
    kv = place.open()
    assert "s3cret" not in repr(kv)
    await kv.close()
