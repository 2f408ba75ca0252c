"""A persona's rest, whatever the clock does."""

import pytest

from agents_impl.persona.cooldown import Cooldown

NOON = 1_800_000_000.0
HOUR, DAY, YEARS = 3_600.0, 86_400.0, 4 * 365 * 86_400.0
JUMPS = [2.0, -2.0, HOUR, -HOUR, DAY, -DAY, YEARS, -YEARS]


class Time:
    def __init__(self):
        self.wall, self.passed = NOON, 50.0

    def go_on(self, seconds):
        self.wall += seconds
        self.passed += seconds

    def cooldown(self):
        return Cooldown(clock=lambda: self.wall, passed=lambda: self.passed)

    @property
    def us(self):
        return int(self.wall * 1e6)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_is_set_changes_no_rest(jump):
    """Neither longer nor shorter, while it is wrong and after it."""
    time = Time()
    cooldown, spoke_at = time.cooldown(), time.us
    cooldown.begin(spoke_at)
    time.go_on(4.0)
    time.wall += jump
    assert cooldown.left_s(spoke_at, 10.0) == pytest.approx(6.0)
    time.wall -= jump
    time.go_on(7.0)
    assert cooldown.left_s(spoke_at, 10.0) == pytest.approx(-1.0)


@pytest.mark.parametrize("jump", JUMPS)
def test_after_a_restart_no_rest_is_longer_than_one(jump):
    """It spoke in a wrong moment, perhaps far in the future: it may speak after one cooldown."""
    time = Time()
    time.wall += jump
    spoke_at = time.us
    time.wall -= jump
    cooldown = time.cooldown()
    first = cooldown.left_s(spoke_at, 10.0)
    assert first <= 10.0
    for _ in range(11):
        time.go_on(1.0)
        left = cooldown.left_s(spoke_at, 10.0)
    assert left <= 0


def test_before_the_first_message_there_is_no_rest():
    """It may speak at once; a message of another process is dated by the clock."""
    time = Time()
    cooldown = time.cooldown()
    assert cooldown.left_s(None, 10.0) == 0.0
    assert cooldown.left_s(time.us - 3_000_000, 10.0) == pytest.approx(7.0)
