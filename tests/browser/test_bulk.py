"""Many sessions at once: selected, paused with a reason, destroyed after a question."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.looking import live

NAMES = [f"bulk{number:02}" for number in range(30)]


@pytest.fixture(scope="module")
def thirty(shared):
    shared.create_odd(*NAMES)
    return shared


@pytest.fixture
def page(visit, thirty):
    page = visit(f"{thirty.at}/sessions?q=bulk", viewport={"width": 1280, "height": 1_500})
    live(page)
    expect(page.get_by_role("checkbox", name="Select bulk29")).to_be_attached()
    return page


def _select(page, first, last):
    page.get_by_role("checkbox", name=f"Select {first}").click()
    page.get_by_role("checkbox", name=f"Select {last}").click(modifiers=["Shift"])
    return page.get_by_role("region", name="Selected sessions")


def test_a_range_is_paused_with_a_reason(page, thirty):
    """Checkbox and shift-checkbox select ten; each is named and paused, the reason on record."""
    bar = _select(page, "bulk03", "bulk12")
    expect(bar).to_contain_text("10 selected")
    bar.get_by_role("textbox", name="Reason").fill("night shift")
    bar.get_by_role("button", name="Pause").click()
    expect(bar.get_by_role("status")).to_contain_text(
        "Pause 10 applied: bulk03, bulk04, bulk05 and 7 more"
    )
    expect(bar.get_by_text("bulk12")).to_be_hidden()
    bar.get_by_text("7 more").click()
    expect(bar.get_by_text("bulk12")).to_be_visible()
    for name in NAMES[3:13]:
        thirty.became(name, "paused")
        assert json.loads(thirty.steps(name)[-1]["payload"])["reason"] == "night shift"
    for name in (NAMES[2], NAMES[13]):
        assert thirty.now(name)["status"] == "running"
    expect(page.get_by_role("row").filter(has_text="bulk03")).to_contain_text("paused")


def test_a_destroy_asks_first(page, thirty):
    """Nothing is asked of the server before the answer; `Keep` leaves all as it was."""
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else 0)
    bar = _select(page, "bulk20", "bulk22")
    bar.get_by_role("button", name="Destroy…").click()
    expect(bar.get_by_role("alert")).to_contain_text(
        "Destroy bulk20, bulk21, bulk22? 3 running. It can be undone"
    )
    bar.get_by_role("button", name="Keep").click()
    expect(bar.get_by_role("alert")).to_have_count(0)
    assert not asked

    bar.get_by_role("button", name="Destroy…").click()
    bar.get_by_role("button", name="Destroy 3 sessions").click()
    expect(bar.get_by_role("status")).to_contain_text("3 applied")
    expect(page.get_by_role("row").filter(has_text="stopped")).to_have_count(3)
    assert [thirty.now(name)["status"] for name in NAMES[20:23]] == ["stopped"] * 3


def test_what_cannot_be_done_is_said_of_each(page, thirty):
    """A pause of what has ended is rejected, each with its reason, beside what was applied."""
    thirty.create_odd("bulked", tick="done")
    thirty.went_through("bulked", "final")
    page.get_by_role("checkbox", name="Select bulk25").click()
    page.get_by_role("checkbox", name="Select bulked").click()
    bar = page.get_by_role("region", name="Selected sessions")
    bar.get_by_role("button", name="Pause").click()
    expect(bar.get_by_role("status")).to_contain_text("1 applied")
    expect(bar.get_by_role("status")).to_contain_text("1 rejected")
    expect(bar.get_by_role("listitem")).to_contain_text("completed")


def test_all_shown_can_be_selected_and_none(page, thirty):
    """The box in the header takes all that the filters show; Escape lets them go."""
    page.get_by_role("searchbox", name="Search").fill("bulk1")
    expect(page.get_by_role("grid", name="Sessions")).to_have_attribute("aria-rowcount", "11")
    page.get_by_role("checkbox", name="Select all shown").click()
    bar = page.get_by_role("region", name="Selected sessions")
    expect(bar).to_contain_text("10 selected")
    page.get_by_role("searchbox", name="Search").fill("bulk")
    page.get_by_role("searchbox", name="Search").press("Enter")
    expect(bar).to_contain_text("10 selected")
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
