"""A log of thousands of rows: at its end when opened, and no heavier than what is in sight."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import log_of, picture, row_of, rows_of
from tests.support.waiting import until

ROWS = 2_000
MOST_ELEMENTS = 2_500
STANDS_STILL = """async () => {
  const log = document.querySelector('[role=log]')
  const before = log.scrollTop
  for (let frame = 0; frame < 6; frame++) await new Promise(requestAnimationFrame)
  return log.scrollTop === before
}"""


@pytest.fixture(scope="module")
def long_log(shared):
    """A session that has ticked as fast as it could, and now says something when it is asked to."""
    shared.create_odd("talker", heartbeat_s=0.001)
    shared.ticked("talker", ROWS, deadline_s=90)
    shared.applied([q.agent_pause_action("talker", "ann")])
    shared.became("talker", "paused")
    return shared


@pytest.fixture
def head(long_log):
    return long_log.now("talker")["seq"]


def _elements(page):
    return page.evaluate("document.querySelectorAll('*').length")


def test_it_opens_at_its_end_and_grows_there(long_log, head, visit):
    """The newest row is in sight; a row that comes in is too, without a touch."""
    page = visit(long_log.page_of("talker"))
    expect(row_of(page, head)).to_be_in_viewport()
    assert _elements(page) < MOST_ELEMENTS
    long_log.applied([q.agent_interrupt("talker", "ann", {"subject": "more"})])
    expect(rows_of(page).last).to_contain_text("subject: more")
    expect(rows_of(page).last).to_be_in_viewport()


def test_away_from_its_end_it_stays_and_counts_what_is_new(long_log, head, visit):
    """Scrolled up, the rows in sight do not move; a button counts the new ones and leads there."""
    page = visit(long_log.page_of("talker"))
    expect(row_of(page, head)).to_be_in_viewport()
    log_of(page).hover()
    for _ in range(8):
        page.mouse.wheel(0, -1_500)
    expect(row_of(page, head)).to_have_count(0)
    until(lambda: page.evaluate(STANDS_STILL), "the end of the scrolling")
    top = int(rows_of(page).first.get_attribute("data-seq"))
    expect(row_of(page, top + 10)).to_contain_text("about")
    before = row_of(page, top + 10).bounding_box()
    for subject in ("first", "second"):
        long_log.applied([q.agent_interrupt("talker", "ann", {"subject": subject})])
    jump = page.get_by_role("button", name=re.compile(r"^2 new"))
    expect(jump).to_be_visible()
    picture(page, "session-scrolled-away")
    assert row_of(page, top + 10).bounding_box() == before
    jump.click()
    expect(rows_of(page).last).to_contain_text("subject: second")
    expect(rows_of(page).last).to_be_in_viewport()


def test_all_of_it_can_be_read_and_little_of_it_is_held(long_log, head, visit):
    """From its first row through the middle to the last, the document stays small."""
    page = visit(long_log.page_of("talker", "?seq=1"))
    most = 0
    for seq in (1, ROWS // 3, ROWS // 2, ROWS - 5, head):
        page.goto(long_log.page_of("talker", f"?seq={seq}"))
        expect(row_of(page, seq)).to_be_in_viewport()
        expect(row_of(page, seq)).to_contain_text(re.compile("about|created|paused|subject"))
        most = max(most, _elements(page))
    log_of(page).focus()
    page.keyboard.press("Home")
    expect(row_of(page, 1)).to_be_in_viewport()
    expect(row_of(page, 2)).to_contain_text("1 about cats")
    assert max(most, _elements(page)) < MOST_ELEMENTS
