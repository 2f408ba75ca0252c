"""What a row tells of, against the row before it: those amid a tick tell of nothing."""

import orjson
import pytest

from reins.verifying.log_checks import usage_adds_up
from reins.verifying.log_row import log_row
from store.journal.inspection import Found


def row(seq, kind, text, *, tells=0, usage=0):
    """A row that tells of so many tokens, of a session that has taken so many in all."""
    taken = {"tokens_in": usage, "tokens_out": 0, "cost_usd": 0.0, "ticks": 0, "wall_s": 0.0}
    snapshot = {
        "status": "running", "usage": taken, "agent": {}, "agent_type": "t", "created_at": 1,
        "unmarked": {},
    }  # fmt: skip
    return log_row(
        Found(seq, {
            "session_id": "s", "agent_id": "s", "seq": seq, "step": 0, "kind": kind, "text": text,
            "error": None, "payload": None, "applied_actions": None, "tokens_in": tells,
            "tokens_out": 0, "cost_usd": 0.0, "state": orjson.dumps(snapshot).decode(),
        })
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["pausing", "running: this tick takes more than 30 s, usually 1.1 s"]
)
def test_a_row_amid_a_tick_leaves_what_it_took_to_the_next(text):
    """The first of the tick's calls is counted by then, and told of by the tick's own row."""
    created, amid = row(1, "status", "created, running"), row(2, "status", text, usage=40)
    tick = row(3, "tick", "done", tells=70, usage=70)
    assert [*usage_adds_up(created, amid), *usage_adds_up(amid, tick)] == []


def test_any_other_row_tells_what_was_taken():
    """What nobody tells of is found."""
    created, resumed = row(1, "status", "created, running"), row(2, "status", "paused", usage=40)
    assert list(usage_adds_up(created, resumed)) == ["usage rose by 40 tokens, the row tells of 0"]
