"""The rest of the index's loops."""

from reins.search.resting import LOOK_S, Rest


class Machine:
    busy = False
    now = 100.0


def worked(rest, machine, seconds, *, more):
    assert rest.begin()
    machine.now += seconds
    return rest.end(more=more)


def resting():
    machine = Machine()
    return Rest(lambda: machine.busy, lambda: machine.now), machine


def test_half_of_the_time_is_rest_while_there_is_more():
    """And it looks once a second where there is not."""
    rest, machine = resting()
    assert worked(rest, machine, 0.5, more=True) == 0.5
    assert worked(rest, machine, 0.5, more=False) == LOOK_S


def test_it_rests_twenty_times_as_long_while_the_sessions_are_busy():
    """Looking once a second if they are still."""
    rest, machine = resting()
    machine.busy = True
    assert worked(rest, machine, 0.5, more=True) == LOOK_S
    machine.now += 9.9
    assert not rest.begin()
    machine.now += 0.2
    assert worked(rest, machine, 0.5, more=True) == LOOK_S


def test_that_rest_ends_with_its_reason():
    """And after a minute: a round of ten may have waited for somebody else."""
    rest, machine = resting()
    machine.busy = True
    worked(rest, machine, 600.0, more=True)
    machine.now += 59
    assert not rest.begin()
    machine.now += 2
    worked(rest, machine, 600.0, more=True)
    machine.now += 1
    assert not rest.begin()
    machine.busy = False
    assert rest.begin()
