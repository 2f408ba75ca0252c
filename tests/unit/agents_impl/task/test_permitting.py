"""Which calls run, ask, or are refused."""

import itertools

import pytest

from agents_impl.task.models import Rejection
from agents_impl.task.permitting import permit, rejected_before

RUNS = {
    "ask": {"low": "run", "medium": "ask", "high": "ask"},
    "ask_all": {"low": "ask", "medium": "ask", "high": "ask"},
    "allow_medium": {"low": "run", "medium": "run", "high": "ask"},
    "deny": {"low": "run", "medium": "deny", "high": "deny"},
}


@pytest.mark.parametrize(
    ("approvals", "risk"), [*itertools.product(RUNS, ("low", "medium", "high"))]
)
def test_by_the_configuration(approvals, risk):
    """As the contract has it."""
    assert permit(risk, approvals).verdict == RUNS[approvals][risk]


@pytest.mark.parametrize(
    ("approvals", "risk"), [*itertools.product(RUNS, ("low", "medium", "high"))]
)
def test_a_rule_that_denies_wins(approvals, risk):
    """Also over what would run without asking."""
    assert permit(risk, approvals, "deny").verdict == "deny"


def test_a_rule_lets_go_what_would_ask_but_never_high_risk():
    """Nor what the session refuses as a whole."""
    assert permit("medium", "ask", "allow").verdict == "run"
    assert permit("low", "ask_all", "allow").verdict == "run"
    assert permit("high", "ask", "allow").verdict == "ask"
    assert permit("medium", "deny", "allow").verdict == "deny"


def test_a_rejection_is_of_one_call():
    """Found by its hash."""
    made = Rejection(call_hash="x", line="count", reason="no")
    assert rejected_before("x", [made]) is made
    assert rejected_before("y", [made]) is None
    assert made.text == "count: no"
