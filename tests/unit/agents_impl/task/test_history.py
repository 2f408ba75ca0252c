"""A session's steps: from its rows as they were made, bounded, since it was created last."""

import orjson
import pytest

from agents_impl.task import history as module
from agents_impl.task.history import ARGUMENTS_BYTES, RESULT_BYTES, History, Seen, one_line
from tests.unit.agents_impl.task.thinking import payload, steps


def row(seq, kind, given):
    return {"seq": seq, "kind": kind, "payload": orjson.dumps(given).decode()}


@pytest.fixture
def log(monkeypatch):
    """Rows that stand for a session's log; pages are as long as a page may be."""
    rows = []

    def list_steps(session_id, after_seq, limit, store):
        return [each for each in rows if after_seq < each["seq"] <= after_seq + limit]

    monkeypatch.setattr(module, "list_steps", list_steps)
    return rows


async def test_it_is_rebuilt_from_the_rows(log):
    """The same as it was while it was made: thoughts come from the intent, or the tick itself."""
    log += [
        row(1, "status", {"config": {}}),
        row(2, "intent", {"thought": "why", "call": {"tool": "read_file", "key": "a"}}),
        row(3, "tick", payload(text="it", key="a", path="x")),
        row(4, "guidance", {"guidance": "be quick"}),
        row(5, "tick", payload(text="no", key="b", thought="own", ok=False, path="y")),
        row(6, "tick", {"call": {"tool": "write_file"}, "asks": {"item_id": "i"}}),
        row(7, "intent", {"thought": "never done", "call": {"tool": "read_file", "key": "c"}}),
        row(8, "tick", payload(text="else", key="d", path="z")),
        {"seq": 9, "kind": "tick", "payload": None},
    ]
    history = await History.load("s", None)
    assert [*history] == [
        Seen(3, "why", "read_file", '{"path": "x"}', "it", ok=True),
        Seen(5, "own", "read_file", '{"path": "y"}', "no", ok=False),
        Seen(8, "", "read_file", '{"path": "z"}', "else", ok=True),
    ]
    assert [seen.seq for seen in await History.load("s", None, after_seq=3)] == [5, 8]


def test_the_end_of_a_goal_is_a_step():
    """What the model did before was for another goal; it is told of which."""
    call = {"tool": "finish", "arguments": {"status": "done"}}
    seen = Seen.of(7, {"call": call, "result": {"goal": "tea", "status": "done"}})
    assert (seen.tool, seen.result) == ("finish", "The work on this goal has ended: tea")


async def test_a_session_that_is_created_again_begins_anew(log):
    """What the one before it did is not its own."""
    log += [
        row(1, "status", {"config": {}}),
        row(2, "tick", payload()),
        row(3, "final", {}),
        row(4, "status", {"config": {}}),
        row(5, "tick", payload()),
    ]
    assert [seen.seq for seen in await History.load("s", None)] == [5]


async def test_long_logs_are_read_by_the_page_and_bounded(log, monkeypatch):
    """What does not fit is counted, and it is the oldest."""
    monkeypatch.setattr(module, "MAX_STEPS", 20)
    monkeypatch.setattr(module, "_PAGE", 7)
    log += [row(seq, "tick", payload(text=str(seq))) for seq in range(1, 51)]
    history = await History.load("s", None)
    assert [seen.seq for seen in history] == [*range(31, 51)]
    assert history.forgotten == 30


def test_memory_is_bounded_in_bytes(monkeypatch):
    """The newest step is kept, however large."""
    monkeypatch.setattr(module, "MAX_BYTES", 3_000)
    assert [seen.seq for seen in steps(5, size=1_200)] == [4, 5]
    assert len(steps(5, size=5_000)) == 1


def test_a_step_is_bounded_at_birth():
    """Results keep head and tail, arguments stay JSON on one line."""
    given = payload(text="a" * 20_000 + "z", content="c\n" * 5_000, many=["m" * 500] * 50)
    seen = Seen.of(1, given)
    assert len(seen.result) <= RESULT_BYTES + 100
    assert seen.result.endswith("z")
    assert len(seen.arguments.encode()) <= 2 * ARGUMENTS_BYTES
    assert isinstance(orjson.loads(seen.arguments), dict)
    assert orjson.loads(one_line({"a": "x\n" * 1_000}))["a"].startswith("x\n")
