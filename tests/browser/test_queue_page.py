"""The queue as it happens: waiting, applied, rejected, and what was asked."""

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import gone, live, picture


@pytest.fixture
def slow(shared):
    """A session whose tick in flight takes as long as the test says."""
    shared.create_odd("clerk", tick="slow", tick_s=3_600)
    yield shared
    shared.applied([q.agent_destroy_action("clerk", "ann")])


def _line(page, text):
    return page.get_by_role("row").filter(has_text=text)


def _open(line):
    line.click(position={"x": 20, "y": 12})


def test_a_queued_action_turns_applied_before_ones_eyes(slow, visit):
    """It waits for the tick in flight; once that is given up, it is applied, and says where."""
    page = visit(f"{slow.at}/queue?session=clerk")
    live(page)
    waits = q.agent_interrupt("clerk", "patient", {"subject": "later"})
    expect(_line(page, "patient")).to_contain_text("queued")
    picture(page, "queue-waiting")
    q.agent_interrupt("clerk", "hasty", {"subject": "sooner"}, mode="now")
    expect(_line(page, "patient")).to_contain_text("applied")
    seq = q.wait_for_action(waits)["applied_seq"]
    _line(page, "patient").get_by_role("link", name=f"#{seq}").click()
    page.wait_for_url(f"**/sessions/clerk?seq={seq}")


def test_a_rejected_action_says_why(fleet, visit):
    """In its line, and in full in the panel, with the payload; the panel is in the address."""
    page = visit(f"{fleet.at}/queue")
    line = _line(page, "nobody")
    expect(line).to_contain_text("rejected")
    _open(line)
    panel = page.get_by_role("complementary", name="Action")
    expect(panel).to_contain_text("Why it was rejected")
    expect(panel).to_contain_text("is there anybody?")
    assert "action=act_" in page.url
    page.reload()
    expect(panel).to_contain_text("is there anybody?")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_filters_narrow_the_list_and_live_in_the_address(fleet, visit):
    """State, type, session and search: each narrows, survives a reload, and can be taken off."""
    page = visit(f"{fleet.at}/queue")
    live(page)
    page.get_by_title("Show only rejected actions").click()
    page.get_by_role("combobox", name="Type of action").select_option("agent_pause")
    page.get_by_role("searchbox", name="Search").fill("anybody")
    expect(page.get_by_role("row")).to_have_count(2)  # with the header
    for part in ("state=rejected", "type=agent_pause", "q=anybody"):
        assert part in page.url
    page.reload()
    expect(_line(page, "nobody")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name="Show all").click()
    expect(_line(page, "Create").first).to_be_visible()
    gone(page, "state=")
    page.get_by_role("searchbox", name="Session").fill("grace")
    expect(page.get_by_role("row").filter(has_not_text="grace")).to_have_count(1)
