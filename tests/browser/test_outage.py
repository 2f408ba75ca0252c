"""A server that is killed and started again: what was asked for is done once, all is there."""

import re

import pytest
from playwright.sync_api import Page, expect

from store.messages import list_messages
from store.reading import reader
from tests.browser.looking import TALL, live, row_of, rows_of

CUT_OFF = ("WebSocket", "Failed to load resource", "ERR_CONNECTION_REFUSED")
PARTS = {"a": "Attention", "q": "Queue", "y": "System", "c": "Conversations"}


@pytest.fixture
def outage(start_app, visit):
    """A page of an app, with all of its parts fetched, on a server that is gone since."""

    def begin(path: str) -> tuple:
        app = start_app(REINS_HEARTBEAT_S="3600")
        app.create("ada", "cats")
        app.converse("tea", "Ada", cooldown_s=3_600)
        page = visit(app.at + path, viewport=TALL, expected=CUT_OFF)
        live(page)
        expect(page.locator("html[data-whole]")).to_be_attached()
        app.worker.kill()
        expect(page.get_by_text("Disconnected since").first).to_be_visible()
        return app, page

    return begin


def _not_sent(page: Page):
    return page.get_by_role("alert").filter(has_text="Not sent yet")


def test_what_was_written_meanwhile_is_said_once(outage):
    """Enter without a server: the page says that it waits, and sends it when there is one."""
    app, page = outage("/conversations/tea")
    page.get_by_role("textbox", name="Message").fill("Is anybody there?")
    page.keyboard.press("Enter")
    expect(_not_sent(page)).to_contain_text("“Is anybody there?” is sent, once,")
    app.start_again()
    expect(page.get_by_text("Disconnected since")).to_have_count(0)
    expect(page.get_by_role("list", name="Messages sent")).to_contain_text("said")
    expect(_not_sent(page)).to_have_count(0)
    expect(page.get_by_text("The server does not answer")).to_have_count(0)
    said = [row["text"] for row in list_messages("tea", store=reader(app.data))]
    assert said.count("Is anybody there?") == 1


def test_what_is_withdrawn_is_not_sent(outage):
    """The words are in their field again, and nothing is enqueued when the server is back."""
    app, page = outage("/sessions/ada")
    field = page.get_by_role("textbox", name="Guidance")
    field.fill("now about dogs")
    page.keyboard.press("Enter")
    _not_sent(page).get_by_role("button", name="Do not send").click()
    expect(page.get_by_text("You have withdrawn it.")).to_be_visible()
    expect(field).to_have_value("now about dogs")
    app.start_again()
    live(page)
    expect(rows_of(page, "status").last).to_contain_text("resumed by start")
    assert [row["kind"] for row in app.steps("ada")].count("guidance") == 0
    field.press("Enter")
    expect(rows_of(page, "guidance")).to_have_count(1)


def test_parts_that_were_not_opened_before_open_without_a_server(outage):
    """Every page of the rail, the help and the palette; what they read comes with the server."""
    app, page = outage("/")
    for key, name in PARTS.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_attached()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Command palette")).to_be_visible()
    page.keyboard.press("Escape")
    app.start_again()
    live(page)
    expect(page.get_by_role("link", name=re.compile("About tea"))).to_be_visible()
    expect(page.get_by_text("The server does not answer")).to_have_count(0)


def test_what_was_looked_for_meanwhile_is_read_afterwards(outage):
    """The inspector says that there was no answer, and has what the model saw once there is one."""
    app, page = outage("/sessions/ada")
    row_of(page, 2).click()
    page.get_by_role("tab", name="Model").click()
    expect(page.get_by_text("The server does not answer").first).to_be_visible()
    app.start_again()
    live(page)
    expect(page.get_by_text("The server does not answer")).to_have_count(0)
