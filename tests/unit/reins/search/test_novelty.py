"""How like what a session says is to its own past, as a figure."""

import numpy as np
import pytest

from reins.search.novelty import PAST, WINDOW, Past

ONE, OTHER = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def after(*vectors, source="step"):
    past = Past()
    for vector in vectors:
        past.take(source, vector)
    return past


def test_the_same_again_and_again_is_1():
    """Once it has been said often enough; before that nobody says anything."""
    assert after(*[ONE] * WINDOW).sameness is None
    assert after(*[ONE] * (WINDOW + 1)).sameness == pytest.approx(1)


def test_two_that_take_turns_are_the_same_too():
    """A row is compared with all of its past, and not with the one before it alone."""
    assert after(*[ONE, OTHER] * WINDOW).sameness == pytest.approx(1)


def test_what_is_always_new_is_0():
    """Also where it is the contrary of what was said."""
    every = np.eye(WINDOW + 1)
    assert after(*every).sameness == 0
    assert after(*[ONE, -ONE] * 5).sameness <= 1
    assert after(ONE, *[-ONE / (n + 1) for n in range(2)]).likeness[0] == 0


def test_what_was_said_long_ago_is_forgotten():
    """The past is bounded, and so is what is kept of a session."""
    every = np.eye(PAST + WINDOW + 1)
    past = after(*every[: PAST + WINDOW], every[0])
    assert len(past.vectors) == PAST
    assert past.likeness[-1] == 0


def test_who_speaks_is_measured_by_that_alone():
    """Why a persona is silent is the same each time, and no circle."""
    past = after(*[ONE] * 20)
    for vector in np.eye(WINDOW + 1):
        past.take("message", vector)
        past.take("step", np.ones(WINDOW + 1))
    assert past.sameness == 0
