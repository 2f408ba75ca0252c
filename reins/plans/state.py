"""A computation that reads a state and leaves another, put together before there is a state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class State(Generic[S, T_co]):
    """A function from a state to a value and the next state.

    At the edge of an action the state that it leaves counts, and its value is dropped.
    """

    run: Callable[[S], tuple[T_co, S]]

    def map(self, function: Callable[[T_co], U]) -> "State[S, U]":
        """The function's value; the state is as before."""

        def mapped(state: S) -> tuple[U, S]:
            value, after = self.run(state)
            return function(value), after

        return State(mapped)

    def bind(self, function: "Callable[[T_co], State[S, U]]") -> "State[S, U]":
        """The next computation, in the state that this one leaves."""

        def bound(state: S) -> tuple[U, S]:
            value, after = self.run(state)
            return function(value).run(after)

        return State(bound)


def get_state() -> "State[S, S]":
    """The state as a value."""
    return State(lambda state: (state, state))


def put_state(state: S) -> "State[S, None]":
    """Another state in place of the one there is."""
    return State(lambda _before: (None, state))
