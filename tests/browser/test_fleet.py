"""The list as an operator's page: searched by fields, saved, grouped; acts that can be undone."""

import json
import re
import urllib.request
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

import queue_imp as q
from store import saved
from store.reading import reader
from tests.browser.looking import live, picture

QUERIES = [
    ("shop-till", ["shop-till"]),
    ("SHOP", ["shop-cart", "shop-till"]),
    ("shop till", ["shop-till"]),
    ("name:till", ["shop-till"]),
    ("name: till", ["shop-till"]),
    ("-name:till name:shop", ["shop-cart"]),
    ("shop -till", ["shop-cart"]),
    ("cats", []),  # said by one, the name of none
    ("text:cats name:shop", ["shop-cart"]),
    ('text:"about cats" name:shop', ["shop-cart"]),
    ("type:odd name:shop", ["shop-cart", "shop-till"]),
    ("type:od name:shop", []),
    ("type:o* name:shop", ["shop-cart", "shop-till"]),
    ("by:bob name:shop", ["shop-till"]),
    ("by:bob,ann name:shop", ["shop-cart", "shop-till"]),
    ("status:paused name:shop", ["shop-till"]),
    ("status:running,paused name:shop", ["shop-cart", "shop-till"]),
    ("route:fast name:shop", []),
    ("-route:* name:shop", ["shop-cart", "shop-till"]),
    ("conversation:* name:shop", []),
    ("name:shop by:", ["shop-cart", "shop-till"]),
    ('name:shop "', ["shop-cart", "shop-till"]),
    ("shop foo:bar", []),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop(shared):
    shared.create_odd("shop-cart", heartbeat_s=3_600)
    config = {"heartbeat_s": 3_600, "subject": "dogs"}
    shared.applied([q.agent_create("shop-till", "bob", agent_type="odd", config=config)])
    for each in ("shop-cart", "shop-till"):
        shared.ticked(each)
    shared.applied([q.agent_pause_action("shop-till", "bob")])
    return shared


def _shown(page):
    cells = page.locator("[data-session]")
    return cells.evaluate_all("rows => rows.map(row => row.dataset.session)")


def test_page_and_server_search_alike(visit, shop):
    """One grammar: whatever is typed, both find the same sessions, and words match names alone."""
    page = visit(f"{shop.at}/sessions?q=nothing-at-all")
    live(page)
    field = page.get_by_role("searchbox", name="Search")
    for query, expected in QUERIES:
        with urllib.request.urlopen(f"{shop.at}/api/sessions?q={quote(query)}") as answer:
            found = [row["session_id"] for row in json.load(answer)["items"]]
        assert found == expected, f"the server, asked for {query!r}"
        field.fill(query)
        if expected:
            expect(page.get_by_role("grid", name="Sessions")).to_have_attribute(
                "aria-rowcount", str(len(expected) + 1)
            )
            assert _shown(page) == expected, f"the page, asked for {query!r}"
        else:
            expect(page.get_by_text("No session matches.")).to_be_visible()


def test_the_search_helps_where_one_types(visit, shop):
    """Its fields, and the values that there are, are put in with a press."""
    page = visit(f"{shop.at}/sessions")
    live(page)
    page.keyboard.press("/")
    expect(page.get_by_role("list", name="Fields")).to_contain_text("who created it")
    picture(page, "search-help")
    page.get_by_role("button", name="by:").click()
    page.get_by_role("list", name="Values of by").get_by_role("button", name="bob").click()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("by:bob ")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    assert "q=by%3Abob" in page.url


def test_the_name_is_asked_for_at_the_first_act(visit, shop):
    """The act waits for it, pronouns are refused, and it is kept for the next act."""
    page = visit(f"{shop.at}/sessions?q=shop-cart", actor=None)
    live(page)
    page.get_by_role("checkbox", name="Select shop-cart").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    form = page.get_by_role("form", name="Your name")
    field = form.get_by_role("textbox")
    expect(field).to_be_focused()
    field.fill("You")
    expect(form.get_by_role("alert")).to_contain_text("somebody else to whoever reads it")
    expect(form.get_by_role("button", name="Go on")).to_be_disabled()
    picture(page, "first-act")
    field.fill("carol")
    field.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Pause")).to_contain_text("1 applied")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Resume")).to_contain_text("1 applied")
    expect(form).to_have_count(0)
    asked = [row["payload"] for row in shop.steps("shop-cart") if row["kind"] == "status"][-2:]
    assert [json.loads(each)["actor"] for each in asked] == ["carol", "carol"]
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("Acting as carol")


def test_without_a_name_nothing_is_done(visit, shop):
    """Escape drops the act."""
    page = visit(f"{shop.at}/sessions?q=shop-cart", actor=None)
    live(page)
    posts = []
    page.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    page.get_by_role("checkbox", name="Select shop-cart").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("form", name="Your name").get_by_role("textbox").press("Escape")
    expect(page.get_by_role("form", name="Your name")).to_have_count(0)
    expect(
        page.get_by_role("region", name="Selected sessions").get_by_role("status")
    ).to_have_count(0)
    assert not posts


def test_a_destroy_names_whom_is_frozen_and_can_be_undone(visit, shared):
    """The question says who and in which status; what comes later is not hit; Undo brings back."""
    names = [f"doom-{number:02}" for number in range(12)]
    shared.create_odd(*names)
    shared.applied([q.agent_pause_action("doom-03", "ann")])
    page = visit(f"{shared.at}/sessions?q=doom", viewport={"width": 1280, "height": 900})
    live(page)
    page.get_by_role("checkbox", name="Select all shown").click()
    bar = page.get_by_role("region", name="Selected sessions")
    expect(bar).to_contain_text("12 selected")
    bar.get_by_role("button", name="Destroy…").click()
    asked = bar.get_by_role("alert")
    expect(asked).to_contain_text("Destroy doom-00, doom-01")
    expect(asked).to_contain_text("doom-09 and 2 more? 11 running, 1 paused.")
    expect(asked).to_contain_text("can be undone for ten minutes")
    picture(page, "destroy-named")
    shared.create_odd("doom-99")  # it fits the filter, and is not among those that were chosen
    expect(page.get_by_role("checkbox", name="Select doom-99")).to_be_attached()
    bar.get_by_role("button", name="Destroy 12 sessions").click()
    told = bar.get_by_role("status")
    expect(told).to_contain_text(re.compile(r"Destroy\s+12 applied: doom-00, doom-01"))
    expect(told).to_contain_text("12 applied")
    assert shared.now("doom-99")["status"] == "running"
    assert {shared.now(each)["status"] for each in names} == {"stopped"}
    told.get_by_role("button", name="Undo").click()
    expect(told).to_contain_text(re.compile(r"Undo destroy\s+12 applied: doom-00"))
    expect(told).to_contain_text("12 applied")
    assert shared.now("doom-03")["status"] == "paused"
    assert {shared.now(each)["status"] for each in names} == {"running", "paused"}


def test_one_destroy_is_undone_on_its_own_page(visit, shared):
    """Also by another who opens the page later; afterwards nothing is left to be undone."""
    shared.create_odd("phoenix")
    shared.ticked("phoenix")
    shared.applied([q.agent_destroy_action("phoenix", "bob")])
    page = visit(shared.page_of("phoenix"))
    live(page)
    undo = page.get_by_role("button", name="Undo", exact=True)
    undo.click()
    expect(page.get_by_role("log")).to_contain_text("restored by ann, running")
    expect(undo).to_have_count(0)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_a_view_is_saved_for_all(visit, shop):
    """Filters, groups and columns under a name: another browser finds them, and can remove them."""
    page = visit(f"{shop.at}/sessions?q=name:shop&group=owner")
    live(page)
    grid = page.get_by_role("grid", name="Sessions")
    expect(grid.get_by_role("button", name="ann 1")).to_be_visible()
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Owner").check()
    page.get_by_role("checkbox", name="Cost").uncheck()
    page.keyboard.press("Escape")
    expect(grid.get_by_role("columnheader", name="Owner")).to_be_visible()
    expect(grid.get_by_role("columnheader", name="Cost")).to_have_count(0)
    grid.get_by_role("button", name="bob 1").click()
    expect(page.locator("[data-session=shop-till]")).to_have_count(0)
    picture(page, "groups")
    page.get_by_role("combobox", name="View").select_option("+save")
    page.get_by_role("textbox", name="Name of the view").fill("On call")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("combobox", name="View")).to_have_value("On call")

    other = visit(f"{shop.at}/sessions", actor="dora")
    live(other)
    other.get_by_role("combobox", name="View").select_option("On call")
    expect(other.get_by_role("columnheader", name="Owner")).to_be_visible()
    assert "group=owner" in other.url
    expect(other.get_by_role("searchbox", name="Search")).to_have_value("name:shop")
    other.get_by_role("combobox", name="View").select_option("-remove")
    other.get_by_role("button", name="Remove", exact=True).click()
    expect(other.get_by_role("combobox", name="View")).not_to_have_value("On call")
    assert saved.list_saved("view", store=reader(shop.data)) == []


def test_a_session_is_duplicated_and_kept_as_a_template(visit, shop):
    """The create form begins with what another session has, or with what was saved."""
    page = visit(f"{shop.at}/sessions?q=shop-till")
    live(page)
    page.keyboard.press("j")
    page.keyboard.press("d")
    panel = page.get_by_role("complementary", name="Create session")
    expect(panel).to_contain_text("With the configuration of shop-till.")
    expect(panel.get_by_label("subject")).to_have_value("dogs")
    panel.get_by_role("button", name="Save as a template…").click()
    panel.get_by_role("textbox", name="Name of the template").fill("till")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.get_by_role("button", name="Save as a template…")).to_be_visible()
    panel.get_by_role("button", name="Close").click()

    page.keyboard.press("c")
    panel.get_by_label("Begin with").select_option("till")
    expect(panel.get_by_label("subject")).to_have_value("dogs")
    panel.get_by_label("Agent", exact=False).first.fill("shop-copy")
    picture(page, "template")
    panel.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="shop-copy")).to_be_visible()
    assert shop.now("shop-copy")["config"]["subject"] == "dogs"
