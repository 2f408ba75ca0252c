"""The search of everything: live while one types, by session, down to the row."""

import json
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.conftest import app_in
from tests.browser.looking import (
    MOST_SHIFT,
    PHONE,
    axe_findings,
    count_shifts,
    is_wider_than_its_window,
    live,
    picture,
    row_of,
    shifts_of,
)
from tests.support.waiting import until

FIELD = "Search everything that was said"


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """An app with an index, where a few sessions and people have spoken."""
    with app_in(tmp_path_factory.mktemp("search"), REINS_SEARCH="meaning") as app:
        for name, subject in (("finn", "walruses"), ("mara", "lighthouses")):
            app.create(name, subject, config={"heartbeat_s": 3_600})
            app.ticked(name)
        app.applied([q.agent_interrupt("finn", "carol", "doubt the price of herring")])
        app.applied([q.conversation_create("market", "ann", "The market")])
        for text in ("Good morning", "The price of bread is in doubt", "Who says that?"):
            app.applied([q.post_message("market", "ann", text)])
        until(lambda: not _behind(app), "the index has come to all", 60)
        yield app
        app.end()


def _behind(app):
    found = app.read(f"/api/search?q={quote('price of bread')}")
    return not (found["by_meaning"] and found["indexed"])


def _lines(page):
    return page.locator("main [data-hit]")


def test_results_come_while_one_types(searched, visit):
    """By session and conversation, with words and meaning told apart; the address keeps it."""
    page = visit(f"{searched.at}/sessions")
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("/")
    page.wait_for_url("**/search")
    expect(page.get_by_role("list", name="Fields")).to_contain_text("in the sessions of an agent")
    picture(page, "search-empty")
    expect(page.get_by_role("searchbox", name=FIELD)).to_be_focused()
    page.keyboard.type("price doubt")
    market = page.get_by_role("region", name="market")
    expect(market).to_contain_text("The price of bread is in doubt")
    expect(market.locator("mark").first).to_have_text("price")
    expect(page.get_by_role("region", name="finn")).to_contain_text("herring")
    expect(page.get_by_role("status").filter(has_text="rows in")).to_contain_text("1 conversation")
    assert "q=price+doubt" in page.url
    assert not axe_findings(page)
    picture(page, "search")


def test_a_row_is_reached_by_keys_and_so_are_those_beside_it(searched, visit):
    """`o` unfolds what stands beside it, `m` finds more like it, `Enter` opens it."""
    page = visit(f"{searched.at}/search?q=bread+source:message")
    expect(_lines(page)).not_to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(_lines(page).first).to_contain_text("Good morning")
    expect(_lines(page).first).to_contain_text("Who says that?")
    picture(page, "search-beside")
    page.keyboard.press("m")
    page.wait_for_url("**like=market%3A2*")
    expect(page.get_by_text("Rows like market:2, by meaning.")).to_be_visible()
    expect(_lines(page)).not_to_have_count(0)
    page.go_back()
    expect(_lines(page).first).to_contain_text("bread")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/market**")
    expect(page.get_by_role("log")).to_contain_text("The price of bread is in doubt")


def test_a_hit_of_a_log_opens_its_row(searched, visit):
    """In the session, at its number."""
    page = visit(f"{searched.at}/search?q=herring+kind:guidance")
    line = _lines(page).first
    expect(line).to_contain_text("herring")
    seq = re.search(r"\d+", line.get_by_role("link").inner_text())[0]
    line.get_by_role("link").click()
    page.wait_for_url(f"**/sessions/finn?seq={seq}")
    expect(row_of(page, int(seq))).to_be_visible()


def test_a_hit_of_an_action_opens_it_in_the_queue(searched, visit):
    """By why it was done; a session's own hit opens the session."""
    action = q.create_action("note_add", "dora", agent_id="mara", seq=1, text="the fog rolls in")
    searched.applied([q.enqueue(action)])
    page = visit(f"{searched.at}/search?q=fog+by:dora")
    line = _lines(page).filter(has_text="the fog rolls in")
    expect(line).to_contain_text("note add")
    line.get_by_role("link").click()
    page.wait_for_url(f"**/queue?action={action['action_id']}")
    page.goto(f"{searched.at}/search?q=%22lighthouses%22+source:session")
    expect(_lines(page)).to_have_count(1)
    expect(_lines(page).locator(".actor")).to_have_count(0)  # who created it has not said it
    _lines(page).get_by_role("link").click()
    page.wait_for_url("**/sessions/mara")


def test_a_search_is_saved_for_all_and_taken_away(searched, visit):
    """Under a name; its hits as a file."""
    page = visit(f"{searched.at}/search?q=price")
    expect(_lines(page)).not_to_have_count(0)
    page.get_by_label("Saved search").select_option("Save this search…")
    page.get_by_label("Name of the search").fill("Prices")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Saved search")).to_have_value("Prices")
    other = visit(f"{searched.at}/search")
    other.get_by_label("Saved search").select_option("Prices")
    other.wait_for_url("**/search?q=price")
    with other.expect_download() as caught:
        other.get_by_role("link", name="JSON").click()
    lines = caught.value.path().read_text().splitlines()
    assert any("bread" in json.loads(line)["text"] for line in lines)
    with other.expect_download() as caught:
        other.get_by_role("link", name="CSV").click()
    assert caught.value.suggested_filename == "search-price.csv"


def test_the_palette_counts_the_rows_and_leads_there(searched, visit):
    """After names and acts."""
    page = visit(f"{searched.at}/sessions")
    live(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("herring")
    last = page.get_by_role("listbox", name="Matches").get_by_role("option").last
    found = searched.read("/api/search?q=herring&limit=50")["groups"]
    said = [hit for each in found for hit in each["hits"] if "words" in hit["by"]]
    assert all("herring" in hit["text"] for hit in said)
    expect(last).to_contain_text(f"{len(said)} rows say “herring”")
    picture(page, "search-palette")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=herring")
    expect(_lines(page).first).to_contain_text("herring")


@pytest.mark.parametrize("query", ["", "?q=price"], ids=["nothing asked", "hits"])
def test_it_opens_without_a_shift(searched, visit, query):
    """The fields are known, and the hits are there, after the page."""
    page = visit(f"{searched.at}/search{query}")
    live(page)
    expect(page.get_by_text("Offline demonstration")).to_be_attached()
    count_shifts(page)
    page.reload()
    live(page)
    shown = _lines(page) if query else page.get_by_role("list", name="Fields").get_by_role("button")
    expect(shown).not_to_have_count(0)
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    assert shifts_of(page, MOST_SHIFT / 4) == []


def test_what_cannot_be_meant_says_what_would_be_right(searched, visit):
    """And nothing found says so, too."""
    page = visit(
        f"{searched.at}/search?q=source:mail",
        expected=("422",),
    )
    expect(page.get_by_role("alert")).to_contain_text("expected some of step, message")
    page.get_by_role("searchbox", name=FIELD).fill("agent:nobody price")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_phone_has_room_for_it(searched, visit):
    """Nothing is wider than the window."""
    page = visit(f"{searched.at}/search?q=price", viewport=PHONE, has_touch=True)
    expect(_lines(page)).not_to_have_count(0)
    assert not is_wider_than_its_window(page)
    assert not axe_findings(page)
    picture(page, "search-phone")
    page.emulate_media(color_scheme="dark")
    assert not axe_findings(page, "color-contrast")
