"""A person opens the page, creates an agent, watches it, steers it, and ends it."""

import re
import time

from playwright.sync_api import expect

from tests.browser.looking import TALL, live, log_of, row_of, rows_of, status_of
from tests.browser.talking import message_of, messages_of, say

_FIVE_MINUTES_S = 300


def _guide(page, text, *, mode="Steer"):
    page.get_by_role("radiogroup").get_by_text(mode, exact=True).click()
    field = page.get_by_role("textbox", name="Guidance for")
    field.fill(text)
    field.press("Enter")
    return page.get_by_label("Guidance sent").get_by_role("listitem").filter(has_text=text)


def _seq_in(chip):
    expect(chip).to_contain_text(re.compile(r"applied\s+at\s+#\d+"))
    return int(re.search(r"#(\d+)", chip.inner_text())[1])


def test_a_life_is_seen_as_it_happens(start_app, visit):
    """Create, watch, steer, pause, resume, destroy: each with its receipt, seen as it happens."""
    app = start_app(REINS_HEARTBEAT_S="0.3")
    page = visit(app.at, viewport=TALL)
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
    expect(page.locator("main pre")).to_contain_text("import queue_imp as q")

    page.get_by_role("button", name="Create session").first.click()
    panel = page.get_by_role("complementary", name="Create session")
    panel.get_by_role("textbox", name="Agent").fill("ada")
    panel.get_by_role("textbox", name="Subject").fill("cats")
    panel.get_by_role("button", name="Create").click()
    page.wait_for_url("**/sessions/ada")

    jokes = rows_of(page, "tick")
    expect(jokes.nth(2)).to_be_visible()
    expect(jokes.first).to_contain_text("cats")

    applied_at = _seq_in(_guide(page, "now about dogs"))
    expect(row_of(page, applied_at)).to_contain_text("now about dogs")
    expect(row_of(page, applied_at + 1)).to_contain_text("dogs")

    page.get_by_role("textbox", name="Guidance for").press("Escape")
    page.keyboard.press("p")
    expect(status_of(page)).to_have_text("paused")
    ticks = app.now("ada")["ticks"]
    app.create("witness")
    app.ticked("witness", 4)
    assert app.now("ada")["ticks"] == ticks, "it ticked although it was paused"
    expect(rows_of(page, "tick")).to_have_count(ticks)

    page.keyboard.press("p")
    expect(status_of(page)).to_have_text("running")
    expect(jokes.nth(ticks)).to_contain_text("dogs")

    page.get_by_role("button", name="Destroy…").click()
    page.get_by_label("Destroy ada?").fill("enough jokes")
    page.get_by_role("button", name="Destroy", exact=True).click()
    expect(status_of(page)).to_have_text("stopped")
    ending = page.get_by_label("End of the session")
    expect(ending).to_contain_text("Destroyed")
    expect(ending).to_contain_text("dogs")
    expect(page.get_by_text("A stopped session takes no guidance.")).to_be_visible()
    page.get_by_role("tab", name="Receipts").click()
    receipts = page.get_by_role("tabpanel").get_by_role("listitem")
    expect(receipts.first).to_contain_text("enough jokes")
    assert receipts.locator("strong").all_inner_texts() == [
        "destroy", "resume", "pause", "guidance", "create",
    ]  # fmt: skip


def test_the_newcomers_five_minutes(start_app, visit):
    """With nothing set up and nothing read: a demonstration, a name, a word in the room, guidance,
    a pause, a destroy and its undo, what it cost, and the keys. Fit to be filmed."""
    began = time.monotonic()
    app = start_app(REINS_HEARTBEAT_S="0.5", REINS_PACE="brisk")
    # It stops while the page may still fetch its later parts.
    page = visit(app.at, actor=None, expected=("WebSocket", "Failed to load resource", "ERR_"))
    live(page)
    page.get_by_role("button", name="Start the demonstration").click()
    page.get_by_label("Your name?").fill("ann")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/demonstration")
    for name in ("Mara", "Finn", "Ada"):
        expect(messages_of(page, name).first).to_be_visible()
    say(page, "What would a cat say to that?")
    expect(messages_of(page, "ann").last).to_contain_text("a cat")
    asked = int(messages_of(page, "ann").last.get_attribute("data-number"))
    answer = message_of(page, asked + 1)
    expect(answer).to_contain_text(re.compile("cat", re.IGNORECASE))

    rail = page.get_by_role("navigation", name="Pages")
    rail.get_by_role("link", name="Sessions", exact=True).click()
    page.get_by_role("link", name="joker").click()
    expect(rows_of(page, "tick").first).to_be_visible()
    applied_at = _seq_in(_guide(page, "now about dogs"))
    expect(row_of(page, applied_at + 1)).to_contain_text("dogs")
    page.get_by_role("button", name="Pause").click()
    expect(status_of(page)).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(status_of(page)).to_have_text("running")
    page.get_by_role("button", name="Destroy…").click()
    page.get_by_role("button", name="Destroy", exact=True).click()
    expect(status_of(page)).to_have_text("stopped")
    page.get_by_role("button", name=re.compile("^Undo")).first.click()
    expect(status_of(page)).to_have_text("running")
    rail.get_by_role("link", name="System").click()
    expect(page.get_by_role("heading", name="System", exact=True)).to_be_attached()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    assert time.monotonic() - began < _FIVE_MINUTES_S


def test_guidance_waits_visibly_for_the_tick_in_flight(shared, visit):
    """A steer shows as queued while a tick runs, and as applied once it has ended."""
    shared.create_odd("waiter", tick="slow", tick_s=4)
    page = visit(shared.page_of("waiter"))
    expect(page.get_by_text("tick in flight").first).to_be_visible()
    chip = _guide(page, "something else")
    expect(chip).to_contain_text("queued")
    assert _seq_in(chip) > 2


def test_now_gives_up_the_tick_in_flight(shared, visit):
    """Guidance sent with `now` is applied at once, although the tick would take an hour."""
    shared.create_odd("hurried", tick="slow", tick_s=3_600)
    page = visit(shared.page_of("hurried"))
    expect(page.get_by_text("tick in flight").first).to_be_visible()
    applied_at = _seq_in(_guide(page, "quick", mode="Now"))
    expect(row_of(page, applied_at)).to_contain_text("subject: quick")


def test_fields_that_do_not_fit_are_refused_in_place(shared, visit):
    """What the guidance's schema forbids is said beside its field, and nothing is enqueued."""
    shared.create("strict", config={"heartbeat_s": 3_600})
    shared.ticked("strict")
    page = visit(shared.page_of("strict"), expected=("422",))
    page.get_by_role("button", name="Use fields").click()
    guidance = page.get_by_role("region", name="Guidance")
    subject = guidance.get_by_role("textbox", name="Subject")
    subject.fill("   ")
    guidance.get_by_role("button", name="Send").click()
    expect(subject).to_have_accessible_description(re.compile("at least 1 character"))
    expect(page.get_by_label("Guidance sent")).to_have_count(0)
    subject.fill("dogs")
    guidance.get_by_role("button", name="Send").click()
    assert _seq_in(page.get_by_label("Guidance sent").get_by_role("listitem")) == 3


def test_guidance_that_the_agent_rejects_says_why(shared, visit):
    """A rejection by the worker stands on the chip, with its reason."""
    shared.create_odd("picky")
    page = visit(shared.page_of("picky"))
    expect(_guide(page, "nothing")).to_contain_text(re.compile("rejected: .*nothing is no subject"))
    expect(log_of(page)).not_to_contain_text("subject: nothing")


def test_an_agent_that_cannot_be_created_is_said_in_the_form(shared, visit):
    """A taken name is rejected in the form, which keeps what was typed."""
    shared.create_odd("taken")
    page = visit(f"{shared.at}/sessions?new=1", expected=("409",))
    live(page)
    panel = page.get_by_role("complementary", name="Create session")
    panel.get_by_role("textbox", name="Agent").fill("taken")
    panel.get_by_role("button", name="Create").click()
    expect(panel.get_by_role("alert")).to_contain_text("taken")
    expect(panel.get_by_role("textbox", name="Agent")).to_have_value("taken")
