"""What needs a person: counted in the rail, said in a line, remedied on the spot."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import live
from tests.support.waiting import until


@pytest.fixture
def troubled(start_app):
    """Nothing is wrong yet; a failed tick is not tried again by itself while one looks."""
    return start_app(
        REINS_MAX_FAILURES="2", REINS_RETRY_WAIT_S="3600", REINS_RETRY_WAIT_MAX_S="3600"
    )


def _badge(page):
    return page.get_by_role("navigation", name="Pages").get_by_role("link", name="Attention")


def _cause(page, words):
    return page.get_by_role("group", name=re.compile(words))


def _section(page, title):
    return page.get_by_role("region", name=title)


def test_troubles_come_are_counted_and_are_remedied(troubled, visit):
    """A retry, a failure and a rejection appear live; each can be dealt with from its line."""
    page = visit(f"{troubled.at}/attention")
    expect(page.get_by_role("heading", name="Nothing needs attention")).to_be_visible()

    troubled.create_odd("sick", tick="fail")
    retrying = _cause(page, "retrying, 1 session: .*as asked")
    expect(retrying).to_be_visible()
    expect(retrying.get_by_role("link", name="Open")).to_have_attribute("href", "/sessions/sick")
    expect(_badge(page)).to_contain_text("1")

    q.agent_interrupt("sick", "ann", {"subject": "once more"})
    failed = _cause(page, "failed, 1 session: .*as asked")
    expect(failed).to_be_visible()
    troubled.rejected(q.agent_resume_action("nobody", "ann"))
    rejected = _section(page, "Rejected actions")
    expect(rejected).to_contain_text("nobody")
    expect(_badge(page)).to_contain_text("2")

    failed.get_by_role("button", name="Resume").click()
    proof = page.get_by_role("status").filter(has_text="Resume 1 sick")
    expect(proof).to_contain_text("1 failed again")
    until(lambda: troubled.steps("sick")[-1]["kind"] == "error", "its next failure")
    expect(_cause(page, "retrying, 1 session")).to_be_visible()

    rejected.get_by_role("button", name="Dismiss").click()
    expect(rejected).not_to_contain_text("nobody")
    expect(_badge(page)).to_contain_text("1")
    rejected.get_by_role("button", name="show dismissed").click()
    expect(rejected).to_contain_text("nobody")


def test_a_destroy_from_here_is_asked_for_twice(fleet, visit):
    """`Keep` leaves the failed session alone; what was destroyed can be brought back."""
    fleet.create_odd("doomed", tick="fail")
    fleet.went_through("doomed", "error")
    page = visit(f"{fleet.at}/attention")
    live(page)
    line = _cause(page, "^retrying, .*as asked")
    line.get_by_role("button", name="Sessions of this cause").click()
    page.get_by_role("checkbox", name="Include sick").uncheck()
    line.get_by_role("button", name="Destroy").click()
    expect(line).to_contain_text("Destroy doomed? 1 running. It can be undone for ten minutes.")
    line.get_by_role("button", name="Keep").click()
    assert fleet.steps("doomed")[-1]["kind"] == "error"
    line.get_by_role("button", name="Destroy").click()
    line.get_by_role("button", name="Destroy").click()
    expect(page.get_by_role("status").filter(has_text="Destroy 1 doomed")).to_contain_text(
        "1 ended"
    )
    line.get_by_role("button", name="Undo destroy").click()
    expect(page.get_by_role("status").filter(has_text="Undo destroy 1 doomed")).to_contain_text(
        "1 back"
    )
    assert fleet.now("doomed")["status"] != "stopped"
