"""Signs that a task makes no way."""

from agents_impl.task.models import Recent
from agents_impl.task.stuck import KEPT, why_stuck, with_act

A, B = Recent(call="a", result="x", ok=True), Recent(call="b", result="y", ok=True)
FAILED = [Recent(call=str(n), result="no", ok=False) for n in range(3)]


def test_the_same_call_with_the_same_result():
    """Three times; another result in between is way enough."""
    assert "same call" in why_stuck([A, A, A])
    assert why_stuck([A, A]) is None
    assert why_stuck([A, Recent(call="a", result="z", ok=True), A]) is None


def test_two_calls_in_turns():
    """A-B three times, not two."""
    assert "took turns" in why_stuck([A, B] * 3)
    assert why_stuck([A, B] * 2) is None
    assert why_stuck([B, A, B, B, A, B]) is None


def test_the_same_error_of_different_calls():
    """Three of them, and no success between."""
    assert "same error" in why_stuck(FAILED)
    assert why_stuck([*FAILED[:2], A]) is None
    assert why_stuck([*FAILED[:2], Recent(call="c", result="other", ok=False)]) is None


def test_only_the_newest_are_kept():
    """As many as the longest sign needs."""
    recent = []
    for n in range(20):
        recent = with_act(recent, Recent(call=str(n), result="", ok=True))
    assert [each.call for each in recent] == [str(n) for n in range(20 - KEPT, 20)]
