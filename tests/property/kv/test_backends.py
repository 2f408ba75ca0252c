"""Each kind of store against a dictionary: any calls in any order, by two on the same rows."""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reins.kv import ABSENT, ConflictError, open_kv, rows
from tests.support.servers.places import KINDS, url_of

TIMES = int(os.environ.get("KV_TIMES", "1"))
"""Set the variable for a campaign."""
EXAMPLES = {"memory": 60, "json": 15, "sqlite": 25, "redis": 25, "postgres": 15}
keys = st.sampled_from(["a", "A", "a/b", "b", "é", "\uffff", "\U00010000", "b\U0010ffff"])
prefixes = st.sampled_from(["", "a", "b", "\U0010ffff", "é"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
expectations = st.sampled_from(["any", "absent", "right", "old"])
sides = st.integers(0, 1)


class Machine(RuleBasedStateMachine):
    """A dictionary from keys to values, versions and seqs; versions that a key has had."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        first = open_kv(self.url, timeout_s=60)
        self.stores = [first, first if self.url == "memory:" else open_kv(self.url, timeout_s=60)]
        self.rows, self.highest, self.old = {}, {}, {}
        for row in self.do(collected(first)):  # of the example before
            self.do(first.delete(row.key))

    def do(self, call):
        return self.loop.run_until_complete(call)

    def teardown(self) -> None:
        for kv in self.stores:
            self.do(kv.close())
        self.loop.close()

    def expected(self, key, how):
        version = self.rows.get(key, (None, None, 0))[1]
        return {"any": None, "absent": ABSENT, "right": version or ABSENT,
                "old": self.old.get(key, 1)}[how]  # fmt: skip

    def note(self, key, value, version, seq):
        assert version > self.highest.get(key, 0), "a version came again"
        self.old[key] = self.highest.get(key) or version + 1
        self.highest[key] = version
        self.rows[key] = (value, version, seq)

    def refused(self, call, given, found):
        with pytest.raises(ConflictError) as refused:
            self.do(call)
        assert (refused.value.given, refused.value.found) == (given, found)

    @rule(side=sides, key=keys, value=values, how=expectations)
    def put(self, side, key, value, how):
        expect = self.expected(key, how)
        _, found, seq = self.rows.get(key, (None, ABSENT, 0))
        call = self.stores[side].put(key, value, expect=expect)
        if expect in (None, found):
            self.note(key, value, self.do(call), seq)
        else:
            self.refused(call, expect, found)

    @rule(side=sides, key=keys, value=values, seq=st.integers(1, 6))
    def put_newer(self, side, key, value, seq):
        kept = self.rows.get(key, (None, ABSENT, 0))[2]
        assert self.do(self.stores[side].put_newer(key, value, seq)) is (seq > kept)
        if seq > kept:
            self.note(key, value, self.do(self.stores[1 - side].get(key)).version, seq)

    @rule(side=sides, key=keys, how=st.sampled_from(["any", "right", "old"]))
    def delete(self, side, key, how):
        expect, found = self.expected(key, how), self.rows.get(key, (None, ABSENT, 0))[1]
        if expect is ABSENT:
            return
        call = self.stores[side].delete(key, expect=expect)
        if expect in (None, found):
            assert self.do(call) is (found is not ABSENT)
            self.rows.pop(key, None)
        else:
            self.refused(call, expect, found)

    @rule(side=sides, prefix=prefixes, after=st.just("") | keys, limit=st.integers(1, 9))
    def scan(self, side, prefix, after, limit):
        found = self.do(self.stores[side].scan(prefix, after=after, limit=limit))
        here = sorted(key for key in self.rows if key.startswith(prefix) and key > after)
        assert found == [(key, *self.rows[key][:2]) for key in here[:limit]]

    @rule(side=sides, key=keys)
    def get(self, side, key):
        expected = self.rows.get(key)
        assert self.do(self.stores[side].get(key)) == (expected and expected[:2])

    @rule(side=sides)
    def reopen(self, side):
        if self.url != "memory:":
            self.do(self.stores[side].close())
            self.stores[side] = open_kv(self.url, timeout_s=60)

    @invariant()
    def both_say_the_same(self):
        if len(self.rows) % 4 == 1:
            assert self.do(collected(self.stores[0])) == self.do(collected(self.stores[1]))


async def collected(kv):
    return [row async for row in rows(kv, page=3)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_does_as_a_dictionary_does(kind, tmp_path_factory, request):
    """Values, versions, conflicts, order, pages; across closing and opening again."""
    machine = type(kind, (Machine,), {"url": url_of(kind, tmp_path_factory, request)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=TIMES * EXAMPLES[kind], stateful_step_count=25, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
