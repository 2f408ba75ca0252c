import orjson
import pytest

from reins.web.views.sessions import SessionIndex
from store import agent_state, agents_config
from tests.integration.store.support import step


def row(session_id, seq, **more):
    return {**orjson.loads(step(session_id, seq).body), "journal_n": seq, **more}


def state(session_id, seq):
    return agent_state.from_step(row(session_id, seq))


@pytest.fixture
def stored(monkeypatch):
    """The states that the store has, by session."""
    states = {}
    monkeypatch.setattr(agent_state, "each_agent_state", lambda store: iter(list(states.values())))
    monkeypatch.setattr(agents_config, "each_config", lambda store: iter(()))
    return states


def test_rows_are_taken_in_once():
    """An older row, or the same again, changes nothing; a newer one does."""
    index = SessionIndex(None)
    assert index.apply([row("a", 1), row("a", 2), row("b", 1)]) == {"a", "b"}
    assert index.apply([row("a", 1), row("a", 2)]) == set()
    assert index.apply([row("a", 3)]) == {"a"}
    assert (index.seq("a"), index.get("a")["text"]) == (3, "joke 3")
    assert index.get("nobody") is None
    assert index.seq("nobody") == 0


def test_latencies_are_shown_once():
    """Events bring those that are new, the session itself all that are kept, no more than 24."""
    index = SessionIndex(None)
    index.apply([row("a", n, latency_ms=float(n)) for n in range(1, 31)])
    [shown] = index.changes(["a", "gone"])
    assert shown["latencies_ms"] == [float(n) for n in range(7, 31)]
    index.apply([row("a", 31, latency_ms=31.0)])
    [shown] = index.changes(["a"])
    assert shown["latencies_ms"] == [31.0]
    assert len(index.get("a")["latencies_ms"]) == 24


def test_a_load_is_the_truth(stored):
    """What the store has counts, newer or, in another folder, older; what it has not is dropped."""
    index = SessionIndex(None)
    index.apply([row("a", 5), row("gone", 1)])
    stored |= {"a": state("a", 3), "new": state("new", 7)}
    index.load()
    assert {name: index.seq(name) for name in index} == {"a": 3, "new": 7}
    assert index.apply([row("a", 4)]) == {"a"}


def test_the_last_tick_is_not_that_of_before_a_pause_in_following(stored):
    """Ticks that were not followed are seen at the next load."""
    index = SessionIndex(None)
    index.apply([row("a", 1)])
    before = index.get("a")["last_tick_at"]
    stored["a"] = state("a", 9)
    index.load()
    assert index.get("a")["last_tick_at"] > before


def test_a_state_by_hand_that_is_older_is_not_taken():
    index = SessionIndex(None)
    index.apply([row("a", 5)])
    index.apply_states([state("a", 3)])
    assert index.seq("a") == 5


def test_a_row_that_makes_no_sense_leaves_nothing_behind():
    """It raises, and the list can be read as before."""
    index = SessionIndex(None)
    index.apply([row("a", 1)])
    with pytest.raises(KeyError):
        index.apply([row("b", 1, state="{}")])
    assert [line["session_id"] for line in index.listed()] == ["a"]
    assert sum(index.counts().values()) == 1


def test_what_a_budget_holds():
    """The limit that a session waits at is in its line, until a row says that it goes on."""
    index = SessionIndex(None)
    index.apply([row("a", 1)])
    assert index.get("a")["held"] is None
    limit = {"scope": "day", "what": "tokens", "limit": 9, "spent": 9, "text": "day tokens"}
    at_limit = {"status": "paused", "held": {**limit, "date": "2026-01-01"}}
    held = orjson.loads(row("a", 2)["state"]) | at_limit
    index.apply([row("a", 2, state=orjson.dumps(held).decode())])
    assert index.get("a")["held"] == {**limit, "needs": 0.0, "raise_to": 20.0}
    assert index.get("a")["mood"] == "held"
    index.apply([row("a", 3)])
    assert index.get("a")["held"] is None


def test_who_made_a_session_is_known_from_its_configuration():
    """Also where that comes after its first row; one that was made by hand has none."""
    index = SessionIndex(None)
    index.apply([row("a", 1)])
    assert index.get("a")["created_by"] is None
    config = '{"route": "fast", "conversation_id": "salon"}'
    index.apply_configs([{"session_id": "a", "config": config, "created_by": "ann"}])
    shown = index.get("a")
    assert (shown["route"], shown["conversation_id"], shown["created_by"]) == (
        "fast", "salon", "ann",
    )  # fmt: skip
    [found], _ = index.page(lambda line: line["route"] == "fast", ("", ""), 10)
    assert found["session_id"] == "a"


def test_how_like_its_past_a_session_is_stands_in_its_line():
    """As its snapshot has it; nothing where that says nothing."""
    index = SessionIndex(None)
    index.apply([row("a", 1)])
    assert index.get("a")["sameness"] is None
    told = {"figure": 0.97, "circles": True}
    snapshot = orjson.loads(row("a", 2)["state"]) | {"sameness": told}
    index.apply([row("a", 2, state=orjson.dumps(snapshot).decode())])
    assert index.get("a")["sameness"] == told
