"""Laws of memories: what is recalled is what the rows say, by whatever way they were taken in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.mind import (
    Memories,
    MindError,
    Stamp,
    VersionConflictError,
    fold_memories,
    forget,
    put,
    restore,
)
from reins.mind.memories import KEPT_BYTES, SCOPES, VERSIONS
from tests.property.mind.test_beliefs import law

KEYS = ("a", "ab", "b")
SHORT = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just([1, {"x": 2}])
)
LONG = st.just("x" * (KEPT_BYTES + 1))
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "forget", "restore"]),
        st.sampled_from(KEYS),
        st.sampled_from(SCOPES),
        SHORT | LONG,
        st.none() | st.integers(1, 60),  # it expires at
        st.none() | st.integers(1, 6),  # the version to restore
    ),
    max_size=25,
)


def act(memories, number, given_act):
    """The row of one act on what there is; None where there is nothing to forget or restore."""
    kind, key, scope, value, expires_at, version = given_act
    stamp = Stamp(f"m{number}", at=number, source="ann")
    try:
        if kind == "put":
            return put(memories, key, value, stamp, scope=scope, expires_at=expires_at)
        if kind == "forget":
            return forget(memories, key, stamp, scope=scope)
        return restore(memories, key, stamp, scope=scope, version=version, expires_at=expires_at)
    except VersionConflictError:
        raise
    except MindError:
        return None


def done(acts):
    """The rows of acts one after the other, and the memories that they leave."""
    memories, rows = Memories(), []
    for number, each in enumerate(acts):
        row = act(memories, number, each)
        if row is not None:
            memories = memories.followed_by(row)
            rows.append(row)
    return rows, memories


def expected(rows, key, scope, at):
    """What rows say of a key, read without a fold: its newest one, unless forgotten or expired."""
    newest = max(
        (row for row in rows if (row.key, row.scope) == (key, scope)),
        key=lambda row: row.version,
        default=None,
    )
    if newest is None or newest.kind == "forget":
        return None
    return newest if newest.expires_at is None or at < newest.expires_at else None


@law
@given(ACTS, st.integers(0, 70))
def test_the_newest_row_of_the_nearest_scope_is_recalled(acts, at):
    """By key and by prefix, in one scope and in all; nothing that is forgotten or expired."""
    rows, memories = done(acts)
    every = {}
    for key in KEYS:
        found = [expected(rows, key, scope, at) for scope in SCOPES]
        for scope, row in zip(SCOPES, found, strict=True):
            memory = memories.recall(key, at, scope)
            assert (memory is None) == (row is None)
            assert memory is None or memory.version == row.version
            assert memory is None or memory.elsewhere or memory.value == row.value
        nearest = next((row for row in found if row), None)
        memory = memories.recall(key, at)
        assert (memory is None) == (nearest is None)
        if memory:
            assert (memory.scope, memory.version) == (nearest.scope, nearest.version)
            every[key] = memory
    for prefix in ("", "a", "ab", "z"):
        assert memories.recall_all(prefix, at) == {
            key: memory for key, memory in every.items() if key.startswith(prefix)
        }


@law
@given(ACTS, st.randoms(use_true_random=False))
def test_rows_in_any_order_come_to_the_same_as_one_by_one(acts, chance):
    """Twice counts once. A state keeps the newest versions, and no long value."""
    rows, memories = done(acts)
    shuffled = [*rows, *rows[:3]]
    chance.shuffle(shuffled)
    assert fold_memories(shuffled) == memories
    for scope in SCOPES:
        for versions in memories.kept(scope).values():
            assert len(versions) <= VERSIONS
            assert [each.number for each in versions] == sorted({each.number for each in versions})
            assert all(len(json.dumps(each.value)) <= KEPT_BYTES for each in versions)


@law
@given(ACTS, st.booleans())
def test_json_gives_back_the_same(acts, fresh):
    """Of memories with all that they hold, rows included."""
    memories = Memories().followed_by(*done(acts)[0], fresh=fresh)
    text = json.dumps(memories.as_json())
    assert Memories.from_json(json.loads(text)) == memories
    assert json.dumps(Memories.from_json(json.loads(text)).as_json()) == text


@law
@given(ACTS, SHORT, st.sampled_from(KEYS), st.sampled_from(SCOPES))
def test_forgotten_and_restored_is_as_before(acts, value, key, scope):
    """But for its version; and a put restored brings back the value before it."""
    _, memories = done(acts)
    memories = memories.followed_by(put(memories, key, value, Stamp("p", 100), scope=scope))
    before = memories.recall(key, 100, scope)
    gone = memories.followed_by(forget(memories, key, Stamp("f", 101), scope=scope))
    assert gone.recall(key, 101, scope) is None
    back = gone.followed_by(restore(gone, key, Stamp("r", 102), scope=scope))
    assert back.recall(key, 102, scope).value == before.value
    other = memories.followed_by(put(memories, key, "other", Stamp("p2", 101), scope=scope))
    undone = other.followed_by(restore(other, key, Stamp("r2", 102), scope=scope))
    assert undone.recall(key, 102, scope).value == before.value


@law
@given(ACTS)
def test_any_version_comes_back_by_its_row(acts):
    """Also one that a state keeps no longer, or never had for its length."""
    rows, memories = done(acts)
    for row in rows:
        if row.kind != "forget":
            stamp = Stamp("back", 100)
            made = restore(memories, row.key, stamp, version=row, scope=row.scope)
            assert (made.value, made.restores) == (row.value, row.version)
            assert expected([*rows, made], row.key, row.scope, 100) == made


@law
@given(ACTS, st.sampled_from(KEYS), st.sampled_from(SCOPES), st.integers(0, 9))
def test_who_expects_another_version_writes_nothing(acts, key, scope, expect):
    """Two that have read the same cannot both write."""
    _, memories = done(acts)
    if expect == memories.version(key, scope):
        first = put(memories, key, 1, Stamp("p", 100), scope=scope, expect=expect)
        after = memories.followed_by(first)
        second = put(memories, key, 2, Stamp("q", 100), scope=scope, expect=expect)
        with pytest.raises(VersionConflictError):
            after.followed_by(second)
    else:
        with pytest.raises(VersionConflictError):
            put(memories, key, 1, Stamp("p", 100), scope=scope, expect=expect)
