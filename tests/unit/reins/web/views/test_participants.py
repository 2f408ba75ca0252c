from types import SimpleNamespace

import orjson
import pytest

from reins.web.views.participants import Participants
from store import agent_state, participants
from store.journalled import typed
from tests.integration.web import speaking


@pytest.fixture
def stored(monkeypatch):
    """What the store has: participants, states and configs; and how often it was asked."""
    found = SimpleNamespace(participants=[], states={}, configs=[], reads=[])

    def state(agent_id, session_id, *, store):
        found.reads.append(session_id)
        return found.states.get(session_id)

    monkeypatch.setattr(participants, "list_participants", lambda store: list(found.participants))
    monkeypatch.setattr(agent_state, "get_agent_state", state)
    found.joined = lambda *_: list(found.configs)
    return found


def row(record, journal_n):
    return {**orjson.loads(record.body), "journal_n": journal_n}


def part(session_id, journal_n, conversation_id="c", **more):
    return row(speaking.takes_part(conversation_id, session_id, **more), journal_n)


def step(session_id, seq, **state):
    return row(speaking.ticked(session_id, seq, **state), seq)


def told(cast, *, parts=(), steps=(), configs=(), states=()):
    return cast.apply(
        {"participants": parts, "agent_steps": steps, "agents_config": configs,
         "agent_state": states}
    )  # fmt: skip


def test_what_changes_is_known_by_conversation(stored):
    """Joining, a row of the log, a config; not what is older, or of those who take no part."""
    cast = Participants(stored)
    assert told(cast, steps=[step("a", 1)]) == {}
    assert told(cast, parts=[part("a", 5), part("b", 6, "d")]) == {"c": {"a"}, "d": {"b"}}
    assert told(cast, parts=[part("a", 5)]) == {}
    assert told(cast, steps=[step("a", 2), step("x", 1)]) == {"c": {"a"}}
    assert told(cast, steps=[step("a", 2), step("a", 1)]) == {}
    config = row(speaking.configured("b", {"name": "B"}), 9)
    assert told(cast, configs=[config]) == {"d": {"b"}}
    assert cast.shown("d")[0]["config"] == {"name": "B"}


def test_what_nobody_told_is_read_once(stored):
    """A state that comes by the feed meanwhile, and is newer, stays."""
    cast = Participants(stored)
    stored.participants = [typed(participants.TABLE)(part("a", 5))]
    cast.load()
    stored.states["a"] = agent_state.from_step(step("a", 3, tone="dry"))
    assert [each["state"] for each in cast.shown("c")] == [{"tone": "dry"}]
    assert [each["seq"] for each in cast.shown("c", ["a", "b"])] == [3]
    assert stored.reads == ["a"]
    told(cast, steps=[step("a", 4, tone="noir")])
    assert [each["seq"] for each in cast.shown("c")] == [4]
    assert cast.shown("c", []) == cast.shown("nowhere") == []


def test_a_state_by_hand_is_read_anew(stored):
    """Is read anew, and its columns stand for themselves."""
    cast = Participants(stored)
    told(cast, parts=[part("a", 1)], steps=[step("a", 3)])
    stored.states["a"] = {
        "session_id": "a", "history": None, "snapshot": None, "status": "failed", "error": "x"
    }  # fmt: skip
    assert told(cast, states=[{"session_id": "a"}, {"session_id": "b"}]) == {"c": {"a"}}
    [shown] = cast.shown("c")
    assert (shown["status"], shown["error"], shown["state"], shown["seq"]) == (
        "failed",
        "x",
        None,
        0,
    )
    cast.shown("c")
    assert stored.reads == ["a"]


def test_a_load_is_the_truth(stored):
    """What was known before is forgotten; states are handed over, of those who take part."""
    cast = Participants(stored)
    told(cast, parts=[part("gone", 9)], steps=[step("gone", 9)])
    stored.participants = [part("a", 2), part("b", 1, left=4)]
    cast.load()
    for name in ("a", "gone"):
        cast.take_state(agent_state.from_step(step(name, 3)))
    assert [each["seq"] for each in cast.shown("c", ["a"])] == [3]
    assert stored.reads == []
    assert {each["session_id"] for each in cast.shown("c")} == {"a", "b"}
    assert (cast.present("c"), cast.present("d")) == (1, 0)


def test_what_was_read_of_another_folder_is_not_kept(stored):
    """A load in the middle of a read: the newer folder's rows are not taken for older ones."""
    cast = Participants(stored)
    stored.participants = [part("a", 2)]
    cast.load()
    stored.states["a"] = agent_state.from_step(step("a", 50))
    stored.joined = lambda *_: cast.load() or []
    cast.shown("c")
    stored.joined = lambda *_: []
    assert told(cast, steps=[step("a", 1)]) == {"c": {"a"}}
    assert cast.shown("c")[0]["seq"] == 1


def test_a_session_that_moves_is_found_where_it_is(stored):
    """A session that is created anew elsewhere is found there alone."""
    cast = Participants(stored)
    told(cast, parts=[part("a", 1), part("a", 2, left=3)])
    assert told(cast, parts=[part("a", 3, "d")]) == {"d": {"a"}}
    assert (cast.shown("c"), cast.present("c"), cast.present("d")) == ([], 0, 1)
