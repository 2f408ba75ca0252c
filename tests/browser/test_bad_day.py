"""The bad day: sessions in trouble of four causes, put right with the keyboard alone."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.looking import axe_findings, heard_on, listen, live, picture
from tests.browser.troubling import (
    BROKEN,
    REFUSED,
    SPENT,
    STUCK,
    WELL,
    Provider,
    app_in,
    bad_day,
    moods_of,
    serving,
)  # fmt: skip

_AT_MOST_S = 60
"""A minute puts it right."""


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def troubled(provider, tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    with serving(provider) as address:
        app = app_in(tmp_path, address)
        bad_day(app)
        yield app
        app.end()


def _cause(page, words):
    return page.get_by_role("group", name=re.compile(words))


def _chip(page, mood):
    return page.get_by_role("group", name="Show only sessions that are").get_by_role(
        "button", name=re.compile(rf"^{mood}")
    )


def _proof(cause, words):
    expect(cause.get_by_role("status").filter(has_text=words)).to_be_visible(
        timeout=_AT_MOST_S * 1000
    )


def test_the_bad_day_is_put_right_with_the_keyboard_alone(troubled, provider, visit):
    """Four causes, an act for each; every act names whom it concerned, and proves that it worked;
    the focus says where one is."""
    page = visit(f"{troubled.at}/attention")
    live(page)
    for words, count in (("Route broken answers 500", len(BROKEN)),
                         (r"Route unauthorised: key refused \(401\)", len(REFUSED)),
                         (rf"{STUCK}: this tick takes more than", 1),
                         ("Session's cost at .* of .*, next call ≈", len(SPENT))):  # fmt: skip
        expect(_cause(page, words)).to_have_accessible_name(re.compile(rf", {count} session"))
    for mood, count in (("failing", len(BROKEN + REFUSED)), ("held", len(SPENT)), ("hanging", 1)):
        expect(_chip(page, mood)).to_contain_text(str(count))
    rail = page.get_by_role("navigation", name="Pages")
    expect(rail.get_by_role("link", name="Attention 4 need attention")).to_be_visible()
    assert not axe_findings(page)
    picture(page, "bad-day")
    listen(page)

    began, resumed = time.monotonic(), {}
    for route, named in (("broken", BROKEN), ("unauthorised", REFUSED)):
        page.keyboard.press("j")
        cause = page.locator(":focus")
        expect(cause).to_have_accessible_name(re.compile(f"Route {route}"))
        page.keyboard.press("t")
        expect(cause.get_by_role("status")).to_contain_text(re.compile("HTTP (500|401)"))
        provider.mend(route)
        page.keyboard.press("t")
        expect(cause.get_by_role("status")).to_contain_text("it answers")
        page.keyboard.press("Enter")
        # Since the same moment: which of them come first is by chance.
        three = ", ".join([f"({'|'.join(named)})"] * 3)
        expect(cause).to_contain_text(done := re.compile(rf"Resume (\d+) {three} and"))
        resumed[route] = int(done.search(cause.inner_text().replace("\n", " "))[1])
        # Some may have tried by themselves since the route was mended.
        assert len(named) - 3 <= resumed[route] <= len(named)
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile("^hanging, 1 session"))
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile("^held"))
    page.keyboard.press("Enter")
    field = page.locator(":focus")
    expect(field).to_have_accessible_name(
        re.compile("^Raise the session's limit to, in US dollars")
    )
    assert float(field.input_value()) > 0.1, "room for more than the next call"
    page.keyboard.press("Enter")
    broken, refused = resumed["broken"], resumed["unauthorised"]
    _proof(_cause(page, "Route broken"), f"{broken} tick again")
    _proof(_cause(page, "Route unauthorised"), f"{refused} tick again")
    _proof(page.get_by_role("group", name=re.compile(STUCK)), "1 tick again")
    _proof(_cause(page, "Session's cost"), f"{len(SPENT)} tick again")
    took_s = time.monotonic() - began
    heard = heard_on(page)
    for each in (f"{broken} tick again", f"{refused} tick again",
                 "1 tick again", f"{len(SPENT)} tick again", "it answers"):  # fmt: skip
        assert each in heard, f"a screen reader does not say {each!r}; it says:\n{heard}"
    picture(page, "bad-day-put-right")
    assert took_s < _AT_MOST_S, took_s
    everybody = len(BROKEN + REFUSED + SPENT + WELL) + 1
    expect(_chip(page, "well")).to_contain_text(str(everybody))
    assert moods_of(troubled) == {"well": everybody}


def test_a_pause_is_taken_back_some_are_left_out_and_a_snooze_lasts(troubled, visit):
    """What is not mended stays failing after a resume; a pause of all is undone; a session that is
    left out is not touched; a snoozed cause stays away over a reload, until it gets worse."""
    page = visit(f"{troubled.at}/attention")
    live(page)
    expect(_cause(page, "Route broken")).to_be_visible()
    page.keyboard.press("j")
    cause = page.locator(":focus")
    page.keyboard.press("l")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_contain_text(BROKEN[0])
    page.keyboard.press("x")
    page.keyboard.press("k")
    page.keyboard.press("p")
    cause = _cause(page, "Route broken")
    _proof(cause, f"{len(BROKEN) - 1} paused")
    assert troubled.now(BROKEN[0])["mood"] == "failing"
    page.keyboard.press("u")
    _proof(cause, re.compile(f"Undo pause {len(BROKEN) - 1}.*{len(BROKEN) - 1} failed again"))

    page.keyboard.press("j")
    page.keyboard.press("k")
    page.reload()
    live(page)
    expect(_cause(page, "Route unauthorised")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile("Route unauthorised"))
    page.keyboard.press("z")
    expect(_cause(page, "Route unauthorised")).to_have_count(0)
    expect(page.get_by_text("1 cause is snoozed, for you in this browser alone")).to_be_visible()
    page.reload()
    live(page)
    expect(_cause(page, "Route broken")).to_be_visible()
    expect(_cause(page, "Route unauthorised")).to_have_count(0)
    troubled.create("search-99", config={"route": "unauthorised"})
    expect(_cause(page, "Route unauthorised")).to_have_accessible_name(
        re.compile(f"{len(REFUSED) + 1} sessions")
    )


def test_a_chip_filters_the_list_by_mood(troubled, visit):
    """A chip shows the sessions of its mood alone; the address keeps that."""
    page = visit(f"{troubled.at}/sessions")
    live(page)
    _chip(page, "held").click()
    expect(page).to_have_url(re.compile("mood=held"))
    lines = page.locator("[data-session]")
    expect(lines).to_have_count(len(SPENT))
    page.reload()
    expect(lines).to_have_count(len(SPENT))
    expect(_chip(page, "held")).to_have_attribute("aria-pressed", "true")
    _chip(page, "held").click()
    _chip(page, "hanging").click()
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text(STUCK)
