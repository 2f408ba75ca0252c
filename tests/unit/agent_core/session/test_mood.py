"""How a session is, and the cause: told by its snapshot."""

import pytest

from agent_core.budgets.enough import at_limit, enough
from agent_core.session.concerns import Concerned, concerns_of
from agent_core.session.mood import CONCERN_KINDS, MOODS, cause_of, mood_of
from agent_core.session.trouble import fault, in_words, key_of, restored_trouble, resumed, slow

HELD = {
    "scope": "session", "what": "tokens", "limit": 150, "spent": 150, "text": "t",
    "needs": {"tokens": 440, "cost_usd": 0.0}, "since": 5,
}  # fmt: skip
AWAY = {"kind": "model", "since": 7, "reason": "ModelError: it answered 500"}
FAULT = {"kind": "fault", "key": "route:r:server", "text": "Route r answers 500", "since": 6,
         "route": "r"}  # fmt: skip
SLOW = {"kind": "slow", "key": "slow", "text": "this tick takes long", "since": 4}


@pytest.mark.parametrize(
    ("snapshot", "mood", "kind"),
    [
        ({"status": "running"}, "well", None),
        ({"status": "running", "waits": {"kind": "child", "since": 1, "reason": ""}}, "well", None),
        ({"status": "running", "waits": AWAY, "trouble": FAULT}, "failing", "failing"),
        ({"status": "running", "failures": 2, "error": "E: x"}, "failing", "retrying"),
        ({"status": "failed", "error": "E: x"}, "failing", "failed"),
        ({"status": "running", "trouble": SLOW}, "hanging", "hanging"),
        ({"status": "pausing", "trouble": SLOW}, "hanging", "hanging"),
        ({"status": "running", "failures": 2, "trouble": {"kind": "resumed"}}, "resumed", None),
        ({"status": "paused", "held": HELD}, "held", "held"),
        ({"status": "paused", "failures": 3, "error": "E: x"}, "paused", None),
        ({"status": "pausing"}, "paused", None),
        ({"status": "running", "waits": {"kind": "stuck", "since": 1, "reason": "no way"}},
         "stuck", "stuck"),
        ({"status": "paused", "waits": {"kind": "approval", "since": 1, "reason": "write"}},
         "asking", "asking"),
        ({"status": "completed", "error": "E: x"}, "done", None),
        ({"status": "stopped"}, "done", None),
        ({"status": "stopping"}, "done", None),
    ],
)  # fmt: skip
def test_a_mood_and_its_cause(snapshot, mood, kind):
    """Each state of a session has one mood; those that need a person have a cause of a kind."""
    assert mood_of(snapshot) == mood
    assert mood in MOODS
    cause = cause_of(snapshot, mood, "a")
    assert (None if cause is None else cause.kind) == kind
    assert kind is None or kind in CONCERN_KINDS


def test_sessions_of_one_cause_are_one_concern():
    """Whatever differs from one session to the other, a cause is one; who has given up is another
    matter than who tries again, and comes first."""

    def one(session_id, **snapshot):
        return Concerned.of(session_id, session_id, {"status": "running", **snapshot})

    found = concerns_of(
        [
            one("a", failures=1, error="ValueError: row 12 of 'x.csv' is empty"),
            one("b", failures=2, error="ValueError: row 9 of 'y.csv' is empty"),
            one("c", status="failed", error="ValueError: row 7 of 'z.csv' is empty"),
            one("d", status="paused", held=HELD),
            one("e", status="paused", held=HELD | {"needs": {"tokens": 900}, "spent": 80}),
            one("f", trouble=SLOW),
        ]
    )  # fmt: skip
    assert [(each.kind, len(each.sessions)) for each in found] == [
        ("failed", 1), ("hanging", 1), ("held", 2), ("retrying", 2),
    ]  # fmt: skip
    assert found[0].key == found[3].key
    assert found[1].text == "f: this tick takes long"
    assert found[2].raise_to == enough(HELD | {"needs": {"tokens": 900}, "spent": 80})
    assert found[2].text == "Session's tokens at 80 of 150, next call ≈ 900"
    assert one("g") is None


@pytest.mark.parametrize(
    ("held", "raised"),
    [
        (HELD, 5_000),  # 150 and ten calls of 440
        (HELD | {"kept": 800.0}, 10_000),
        (HELD | {"what": "cost_usd", "limit": 0.001, "spent": 0.0009,
                 "needs": {"cost_usd": 0.0044}}, 0.05),
        (HELD | {"what": "ticks", "limit": 3, "spent": 3}, 50),
        (HELD | {"needs": None, "per_tick": 30.0}, 1_000),
        (HELD | {"needs": None, "limit": 0, "spent": 0}, 1),
    ],
)  # fmt: skip
def test_a_limit_that_is_enough(held, raised):
    """What is spent and held back, with room for ten calls like the next, or twenty ticks."""
    assert enough(held) == raised
    needs = (held["needs"] or {}).get(held["what"], 0)
    assert enough(held) >= held["spent"] + held.get("kept", 0) + needs


def test_a_limit_in_words():
    """Where it stands, and what the next call needs where that is known."""
    assert at_limit(HELD) == "Session's tokens at 150 of 150, next call ≈ 440"
    day = HELD | {"scope": "worker", "what": "cost_usd", "limit": 5.0, "spent": 5.01, "needs": None}
    assert at_limit(day) == "The worker's day: cost at $5.01 of $5.00"


class _AwayError(Exception):
    shared_cause = ("route:r:server", "Route r answers 500", "r")


def test_a_fault_goes_on_since_it_began():
    """The same cause again keeps its beginning; another one begins anew."""
    first = fault(_AwayError(), "AwayError: x", None)
    assert (first.key, first.text, first.route) == _AwayError.shared_cause
    assert fault(_AwayError(), "AwayError: y", first).since == first.since
    other = fault(ValueError("row 5"), "ValueError: row 5", first)
    assert other.since >= first.since
    assert other.key == key_of("ValueError: row 77") == "ValueError: row …"
    assert restored_trouble(other.stored()) == other
    assert restored_trouble(resumed().stored()).kind == "resumed"
    assert restored_trouble(slow(3, 1).stored()) is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.12, "120 ms"), (1.14, "1.1 s"), (42, "42 s"), (241, "4 min")]
)
def test_a_duration_in_words(seconds, words):
    """As a person says it."""
    assert in_words(seconds) == words
