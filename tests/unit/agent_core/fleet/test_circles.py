"""What is done about a session that goes in circles."""

from types import SimpleNamespace

import pytest

from agent_core.fleet.circles import Circles
from agent_core.session.controls import Hold, Pause
from agent_core.session.sameness import Sameness
from agent_core.session.status import Status


class Live(SimpleNamespace):
    """A session, as far as its circles matter."""

    def __init__(self, status=Status.RUNNING):
        super().__init__(
            session_id="a", status=status, waits=None, sameness=None, iteration=10, got=[]
        )

    def deliver(self, control):
        self.got.append(control)


def circles(session, then, above=0.9):
    return Circles({"a": session}, lambda: (above, then))


@pytest.mark.parametrize(("then", "kind"), [("ask", Hold), ("pause", Pause), ("tell", None)])
async def test_what_the_setting_says_is_done_beyond_the_limit(then, kind):
    """And below it nothing is, but for telling the figure."""
    session = Live()
    of = circles(session, then)
    of.take({"a": 0.8, "gone": 1.0})
    assert session.sameness == Sameness(0.8, circles=False)
    assert session.got == []
    of.take({"a": 0.91239})
    assert session.sameness == Sameness(0.912, circles=True)
    assert [type(each) for each in session.got] == ([kind] if kind else [])
    assert all("91% like" in each.reason for each in session.got)


async def test_it_is_asked_again_after_some_ticks_alone():
    """The figure stays beyond the limit for as long as it is of the same rows."""
    session = Live()
    of = circles(session, "ask")
    for ticks in range(9):
        session.iteration = 10 + ticks
        of.take({"a": 1.0})
    assert len(session.got) == 2


async def test_one_that_stands_still_is_left_alone():
    """Paused, or waiting for something else."""
    paused, waiting = Live(Status.PAUSED), Live()
    waiting.waits = object()
    for session in (paused, waiting):
        circles(session, "ask").take({"a": 1.0})
        assert session.got == []
        assert session.sameness.circles


async def test_the_figure_goes_where_it_is_too_early_to_say():
    """After a person's word, as after a start."""
    session = Live()
    of = circles(session, "tell")
    of.take({"a": 1.0})
    of.take({"a": None})
    assert session.sameness is None
