"""When something is due: forms, bounds, and clocks that change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agent_core.actions.ids import ActionError
from agent_core.actions.when import own_when, read_when
from store.times import from_us, to_us

BERLIN = ZoneInfo("Europe/Berlin")
DAY_US = 86_400_000_000


def at(*parts, fold=0, zone=BERLIN):
    return to_us(datetime(*parts, fold=fold, tzinfo=zone).astimezone(UTC))


def shown(times, zone=BERLIN):
    return [f"{from_us(each).astimezone(zone):%d %H:%M%z}" for each in times]


@pytest.mark.parametrize(
    "text",
    [
        "", "5m", "every:", "every:0s", "every:5", "every:-5m", "every:1.5h", "every:367d",
        "every:٣m", "cron:", "cron:* * * *", "cron:* * * * * *", "cron:61 * * * *",
        "cron:0 0 30 2 *", "cron:a b c d e", "0 9 * * *", "cron:0 9 * * *" + " " * 200, None, 5,
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ActionError, match=r"expected|never comes|fields"):
        read_when(text)


@pytest.mark.parametrize("zone", ["", "Berlin", "Europe", "../UTC", "/etc/passwd", "Europe/\0"])
def test_what_is_no_zone_is_refused(zone):
    with pytest.raises(ActionError, match="zone is"):
        read_when("cron:0 9 * * *", zone)


def test_an_interval_counts_from_its_base():
    """And is due at the same times whenever it is asked."""
    when = read_when("every:5m", base_us=7)
    assert [when.after(each) for each in (-10, 7, 8, 300_000_006)] == [300_000_007] * 4
    assert when.after(300_000_007) == 600_000_007
    assert list(when.newest(7, 1_200_000_007, 2)) == [900_000_007, 1_200_000_007]
    assert list(when.newest(7, 299_999_999, 2)) == []
    assert list(when.newest(-5, 5, 2)) == []


def test_a_time_that_clocks_leave_out_is_due_once():
    """When they have changed; several of them are one."""
    for fields in ("30 2 * * *", "0,30 2 * * *"):
        when = read_when(f"cron:{fields}", "Europe/Berlin")
        found = when.newest(at(2026, 3, 28, 3), at(2026, 3, 29, 12), 9)
        assert shown(found) == ["29 03:00+0200"]


def test_a_time_that_comes_twice_is_due_once():
    """At the first; also for who looks between the two."""
    when = read_when("cron:30 2 * * *", "Europe/Berlin")
    found = when.newest(at(2026, 10, 24, 3), at(2026, 10, 25, 12), 9)
    assert shown(found) == ["25 02:30+0200"]
    assert shown([when.after(at(2026, 10, 25, 2, 15, fold=1))]) == ["26 02:30+0100"]
    assert shown([when.after(at(2026, 10, 25, 2, 15, fold=0))]) == ["25 02:30+0200"]


def test_stars_count_time_that_passes():
    """An hour that comes twice has twice as many quarters."""
    when = read_when("cron:*/30 * * * *", "Europe/Berlin")
    found = when.newest(at(2026, 10, 25, 1, 45), at(2026, 10, 25, 3), 9)
    assert shown(found) == [
        "25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100",
    ]  # fmt: skip


def test_the_newest_of_years_are_found_without_walking_through_them():
    """Bounded work, however long it was down."""
    when = read_when("cron:* * * * *", "Europe/Berlin")
    upto = at(2026, 6, 1)
    assert len(when.newest(at(1996, 1, 1), upto, 100)) == 100
    rare = read_when("cron:0 0 29 2 *")
    assert len(rare.newest(at(1996, 1, 1), upto, 100)) == 8


def test_an_agents_entry_has_its_zone_behind_the_fields():
    assert own_when("cron:0 9 * * 1-5 Europe/Berlin") == ("cron:0 9 * * 1-5", "Europe/Berlin")
    assert own_when("cron:0 9 * * 1-5") == ("cron:0 9 * * 1-5", "UTC")
    assert own_when("every:5m") == ("every:5m", "UTC")
