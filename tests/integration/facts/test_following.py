"""The facts that are in memory are those on record, before and after the flush, in any process."""

import asyncio
import shutil

from reins.facts.fact import asserted
from reins.facts.facts import Facts
from reins.facts.following import FollowedFacts
from reins.facts.rows import SHARED, of_agent
from store.facts import list_facts, newest_facts
from store.reading import Reader
from store.store import Store
from tests.support.waiting import until_async


def fact(number, scope="shared"):
    return asserted(f"f{number}", number, "a", "r", f"b{number}", source="s", scope=scope)


def seen(followed, *owners):
    with followed.looking(*owners) as (view, _):
        return sorted(held.fact.object for held in view.at().about("a"))


async def test_rows_are_followed_over_flushes_and_each_once(tmp_path):
    """By a reader that looks again and again, and by one that begins later."""
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    facts, followed = Facts(store), FollowedFacts(Reader(tmp_path / "data"))
    known = []
    for number in range(6):
        await facts.commit({SHARED: [fact(number)]})
        known.append(f"b{number}")
        assert seen(followed, SHARED) == known
        if number % 2:
            await until_async(lambda: store.journal.pending == 0, "all is flushed")
            assert seen(followed, SHARED) == known
    assert seen(FollowedFacts(Reader(tmp_path / "data")), SHARED) == known
    view = await facts.view(SHARED)
    assert sorted(held.fact.object for held in view.at().about("a")) == known
    rows = newest_facts(limit=4, store=store.reader)
    assert [row["fact_id"] for row in rows] == ["f5", "f4", "f3", "f2"]
    rows = newest_facts(before=rows[-1]["journal_n"], store=store.reader)
    assert [row["fact_id"] for row in rows] == ["f1", "f0"]
    await store.stop()


async def test_those_that_are_let_go_are_read_again(tmp_path):
    """The worker holds so many facts; what it lets go comes back, with what came since."""
    store = Store(tmp_path / "data")
    await store.start()
    facts = Facts(store, most=1)
    one, other = of_agent("one"), of_agent("other")
    await facts.commit({one: [fact(1, "agent"), fact(2, "agent")], other: [fact(3, "agent")]})
    for owner, count in ((one, 2), (other, 1), (one, 2)):
        assert len(await facts.view(owner)) == count
        assert facts.figures().owners == 1
    assert facts.figures().reads == 3
    await facts.commit({other: [fact(4, "agent")]})
    both = await asyncio.gather(facts.view(other), facts.view(other))
    assert [len(view) for view in both] == [2, 2]
    assert facts.figures().reads == 4
    assert len(list_facts(agent_id="other", store=store.reader)) == 2
    await store.stop()


async def test_another_folder_in_its_place_is_read_anew(tmp_path):
    """A restored backup has other facts: nothing of before stays in memory."""
    for name, numbers in (("data", (1, 2, 3)), ("backup", (7,))):
        store = Store(tmp_path / name)
        await store.start()
        await Facts(store).commit({SHARED: [fact(number) for number in numbers]})
        await store.stop()
    followed = FollowedFacts(Reader(tmp_path / "data"))
    assert seen(followed, SHARED) == ["b1", "b2", "b3"]
    shutil.rmtree(tmp_path / "data")
    shutil.copytree(tmp_path / "backup", tmp_path / "data")
    assert seen(followed, SHARED) == ["b7"]
