"""The address holds what one sees: it can be reloaded, sent to somebody, and gone back to."""

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import live, log_of, picture, row_of, titled
from tests.support.waiting import until


@pytest.fixture(scope="module")
def three(shared):
    """Three sessions with different numbers of ticks."""
    shared.create_odd("url-1")
    shared.create("url-joke", config={"heartbeat_s": 3_600})
    for name, ticks in (("url-2", 3), ("url-3", 6)):
        shared.create_odd(name, heartbeat_s=0.05, tick="done", after=ticks - 1)
        shared.went_through(name, "final")
    return shared


def _names(page):
    return page.get_by_role("grid", name="Sessions").get_by_role("link").all_inner_texts()


def _shows(page, names):
    until(lambda: _names(page) == names, f"{names} in the list, not {_names(page)}")


def test_filters_search_and_order_live_in_the_address(three, visit):
    """Each is put there at once, survives a reload, and is there again on the way back."""
    page = visit(three.at)
    live(page)
    page.get_by_role("searchbox", name="Search").fill("url type:odd")
    page.get_by_role("button", name="Ticks").click()
    _shows(page, ["url-3", "url-2", "url-1"])
    page.get_by_role("button", name="Ticks").click()
    _shows(page, ["url-1", "url-2", "url-3"])
    page.get_by_title("stopped or completed").click()
    _shows(page, ["url-2", "url-3"])
    for part in ("q=url+type%3Aodd", "sort=-ticks", "mood=done"):
        assert part in page.url

    page.reload()
    _shows(page, ["url-2", "url-3"])
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("url type:odd")
    expect(page.get_by_role("columnheader", name="Ticks")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.get_by_title("stopped or completed")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("link", name="url-3").click()
    page.wait_for_url("**/sessions/url-3")
    page.go_back()
    _shows(page, ["url-2", "url-3"])
    page.go_forward()
    expect(page.get_by_role("heading", name="url-3")).to_be_visible()


def test_a_link_to_a_row_leads_to_it(three, visit):
    """`?seq=` leads log, inspector and timeline to that row; so does the way back."""
    three.create_odd("linked", heartbeat_s=0.02, tick="done", after=149)
    three.went_through("linked", "final")
    page = visit(three.page_of("linked", "?seq=60"))
    row = row_of(page, 60)
    expect(row).to_be_in_viewport()
    expect(row).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("tabpanel")).to_contain_text("Row #60")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_role("button", name="Go to the newest")).to_be_visible()
    expect(timeline).to_contain_text("#60")
    picture(page, "session-at-a-row")
    row_of(page, 62).get_by_role("link", name="#62").click()
    expect(row_of(page, 62)).to_have_attribute("aria-current", "true")
    assert page.url.endswith("?seq=62")
    page.go_back()
    expect(row_of(page, 60)).to_have_attribute("aria-current", "true")


def test_every_page_has_an_address_and_a_title(shared, visit):
    """Opened by its address, each page shows itself and marks its link."""
    page = visit(shared.at)
    for name in (
        "Sessions", "Conversations", "Topics", "Schedules", "Queue", "Attention", "System",
    ):  # fmt: skip
        page.goto(f"{shared.at}/{name.lower()}")
        expect(page).to_have_title(titled(name))
        link = page.get_by_role("navigation", name="Pages").get_by_role("link", name=name)
        expect(link.last).to_have_attribute("aria-current", "page")
        expect(page.get_by_role("heading", name=name, exact=True)).to_have_count(1)


def test_what_is_not_there_is_said(shared, visit):
    """An unknown session and an unknown page say what to do instead of an empty frame."""
    page = visit(shared.page_of("ghost"), expected=("404",))
    expect(page.get_by_role("heading", name="There is no session “ghost”")).to_be_visible()
    # Browsers take .. in a path for another path; as an id of before it is encoded twice.
    page.goto(f"{shared.at}/sessions/%252E%252E")
    expect(page.get_by_role("heading", name="There is no session “..”")).to_be_visible()
    page.goto(shared.page_of("ghost"))
    shared.create("ghost")
    expect(page.get_by_role("log")).to_contain_text("cats")
    page.goto(f"{shared.at}/sessions/a/b")
    expect(page.get_by_role("heading", name="There is no page at")).to_be_visible()


def test_sessions_whose_ids_hold_the_separator_of_rooms(shared, visit):
    """Each page is live, and shows the rows of its own session alone."""
    quiet = {"heartbeat_s": 3_600}
    for agent in ("r", "r::s"):
        shared.create(agent, config=quiet)
    shared.create("r", session_id="s::t", config=quiet)
    shared.create("r::s", session_id="t", config=quiet)
    page = visit(shared.page_of("s::t"))
    live(page)
    expect(row_of(page, 2)).to_be_visible()
    for agent, session, subject in (("r::s", "t", "dogs"), ("r", "s::t", "owls")):
        asked = q.agent_interrupt(agent, "ann", {"subject": subject}, session_id=session)
        shared.applied([asked])
    expect(log_of(page)).to_contain_text("owls")
    expect(log_of(page)).not_to_contain_text("dogs")
