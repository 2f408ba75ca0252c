"""Results, writers and states; and the one function that reads what an action returns."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from reins.plans import (
    Err,
    Failure,
    Fault,
    Ok,
    Outcome,
    Replaced,
    Result,
    Spent,
    State,
    Writer,
    get_state,
    outcome_of,
    put_state,
    sequence,
)


def half(number: int) -> Result[int, str]:
    return Ok(number // 2) if number % 2 == 0 else Err(f"{number} is odd")


def test_results_are_mapped_and_bound():
    """A success goes on, a failure stays."""
    assert half(8).bind(half).map(str) == Ok("2")
    assert half(6).bind(half).map(str) == Err("3 is odd")
    assert (half(8).or_else(0), half(7).or_else(0)) == (4, 0)


def test_a_writer_keeps_what_was_said_in_order():
    """Bound, the lines of the second come after those of the first."""
    said = Writer(1, ("one",)).bind(lambda n: Writer(n + 1, ("two",))).map(lambda n: n * 10)
    assert said == Writer(20, ("one", "two"))


def test_a_state_is_put_together_before_there_is_one():
    """Each step gets the state that the one before leaves."""
    counted = get_state().bind(lambda n: put_state(n + 1).map(lambda _: f"was {n}"))
    assert counted.run(4) == ("was 4", 5)


@dataclass
class Draft:
    title: str


class Report(BaseModel):
    lines: tuple[int, ...]


FAULT = Fault("limit", "mine")
PLAN = sequence("a")


@pytest.mark.parametrize(
    ("returned", "end"),
    [
        ({"a": (1, 2)}, Outcome({"a": [1, 2]})),
        ("a", Outcome("a")),
        (Ok(3), Outcome(3)),
        (Ok(None), Outcome(None)),
        (Err("no"), Failure(Fault("action", "no"))),
        (Err(ValueError("no")), Failure(Fault("action", "ValueError: no"))),
        (Err(FAULT), Failure(FAULT)),
        (Writer(3, ("x",)), Outcome(3, ("x",))),
        (Writer(Ok(3), ("x",)), Outcome(3, ("x",))),
        (Ok(Writer(Err("no"), ("x",))), Failure(Fault("action", "no"), ("x",))),
        (State(lambda state: ("value", state + 1)), Outcome(11)),
        (Outcome(3, ("x",), Spent(tokens=2)), Outcome(3, ("x",), Spent(tokens=2))),
        (Draft("cats"), Outcome({"title": "cats"})),
        (Report(lines=(1, 2)), Outcome({"lines": [1, 2]})),
        (PLAN, Replaced(PLAN)),
        (Writer(PLAN, ("x",)), Replaced(PLAN, ("x",))),
    ],
)
def test_what_an_action_returns(returned, end):
    """Each form, also within another."""
    assert outcome_of(returned, 10) == end


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "it returned None; return the new state"),
        ({"a": {1}}, "state.a is a set, which JSON does not hold"),
        (Writer(object()), "state is a object"),
    ],
)
def test_what_no_action_may_return(returned, words):
    """It fails the task, and says what to return."""
    assert words in outcome_of(returned, 10).fault.message


def test_what_was_said_through_the_context_comes_first():
    """So does what was spent: both add up."""
    end = outcome_of(Outcome(1, ("b",), Spent(tokens=2)), 0, ("a",), Spent(tokens=1, cost_usd=0.5))
    assert end == Outcome(1, ("a", "b"), Spent(tokens=3, cost_usd=0.5))


def test_a_fault_survives_json():
    """With its causes."""
    fault = Fault("no_success", "none", "/1", (Fault("action", "no", "/1/0"),))
    assert Fault.from_json(fault.as_json()) == fault
