"""The page outlives its server: what was missed is there afterwards, each row once, in order."""

import re

from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import TALL, live, rows_of, seqs_of, status_of
from tests.support import data_folder

CUT_OFF = ("WebSocket", "Failed to load resource", "ERR_CONNECTION_REFUSED", "ERR_INTERNET")


def _shows_the_log(app, page, session_id):
    """The page's rows are those of `list_steps`, by number and by text."""
    wanted = app.steps(session_id)
    expect(rows_of(page)).to_have_count(len(wanted))
    assert seqs_of(page) == [row["seq"] for row in wanted]
    said = rows_of(page, "tick").locator(".text").all_inner_texts()
    assert said == [row["text"] for row in wanted if row["kind"] == "tick"]


def _paused(app, session_id):
    app.applied([q.agent_pause_action(session_id, "ann")])
    app.became(session_id, "paused")


def test_a_killed_server_is_survived_by_the_open_page(start_app, visit):
    """After kill -9 and a new start: the strip has said so, nothing has gone, nothing lacks."""
    app = start_app(REINS_HEARTBEAT_S="0.3")
    app.create("ada", "cats")
    page = visit(app.page_of("ada"), viewport=TALL, expected=CUT_OFF)
    expect(rows_of(page, "tick").nth(2)).to_be_visible()

    app.worker.kill()
    strip = page.get_by_text(re.compile(r"Disconnected since \d\d?:\d\d:\d\d"))
    expect(strip).to_be_visible()
    shown = seqs_of(page)
    assert len(shown) > 3
    expect(page.get_by_role("heading", name="ada")).to_be_visible()
    expect(rows_of(page).last).to_contain_text("cats")

    app.start_again()
    expect(strip).to_be_hidden()
    live(page)
    expect(rows_of(page, "tick").nth(len(shown) + 3)).to_be_visible()
    _paused(app, "ada")
    expect(status_of(page)).to_have_text("paused")
    _shows_the_log(app, page, "ada")
    data_folder.verified(app.data)


def _settled(page):
    """The rows shown, once those that had come just before the end are among them."""
    reads = [[], seqs_of(page)]
    while reads[-1] != reads[-2]:
        page.wait_for_timeout(500)  # a heartbeat and the page's beat are far shorter
        reads.append(seqs_of(page))
    return reads[-1]


def test_a_lost_network_is_caught_up_with(shared, visit):
    """What was said while the browser was offline is there once it is back, without a reload."""
    shared.create("afar", "ferries", config={"heartbeat_s": 0.2})
    page = visit(shared.page_of("afar"), viewport=TALL, expected=CUT_OFF)
    expect(rows_of(page, "tick").nth(2)).to_be_visible()
    page.context.set_offline(offline=True)
    expect(page.get_by_text("Disconnected since")).to_be_visible()
    shown = _settled(page)
    shared.ticked("afar", len(shown) + 8)
    assert seqs_of(page) == shown, "what was shown has changed without a connection"
    _paused(shared, "afar")
    page.context.set_offline(offline=False)
    expect(status_of(page)).to_have_text("paused")
    _shows_the_log(shared, page, "afar")


def test_the_list_is_right_after_a_reconnect(shared, visit):
    """A session that began while the page was cut off is in its list afterwards."""
    shared.create_odd("cut-before")
    page = visit(f"{shared.at}/sessions?q=cut", expected=CUT_OFF)
    sessions = page.get_by_role("grid", name="Sessions")
    expect(sessions.get_by_role("link", name="cut-before")).to_be_visible()
    page.context.set_offline(offline=True)
    expect(page.get_by_text("Disconnected since")).to_be_visible()
    shared.create_odd("cut-meanwhile")
    shared.applied([q.agent_pause_action("cut-before", "ann")])
    page.context.set_offline(offline=False)
    expect(sessions.get_by_role("link", name="cut-meanwhile")).to_be_visible()
    expect(sessions.get_by_role("row").filter(has_text="cut-before")).to_contain_text("paused")
