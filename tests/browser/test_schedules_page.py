"""The page of schedules: what is due when, made, changed, run, paused and removed."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import PHONE, axe_findings, is_wider_than_its_window, live, picture
from tests.browser.served import App


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app without schedules but those of its tests."""
    folder = tmp_path_factory.mktemp("schedules")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REINS_DATA", str(folder / "data"))
        app = App(folder / "data", folder / "app")
        yield app
        app.end()


def _set(app: App, schedule_id: str, topic: str = "due", when: str = "every:1h", **more) -> None:
    app.applied([q.schedule_set(schedule_id, "ann", topic=topic, when=when, **more)])


def _row(page, schedule_id: str):
    return page.get_by_role("grid", name="Schedules").locator(f"[data-schedule='{schedule_id}']")


def test_without_schedules_it_says_what_would_be_here(app, visit):
    """And makes one, by a form that tells what does not fit."""
    page = visit(f"{app.at}/sessions", expected=("422",))
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/schedules")
    expect(page.get_by_role("heading", name="No schedules yet")).to_be_visible()
    page.keyboard.press("c")
    form = page.get_by_role("form", name="New schedule")
    expect(form.get_by_role("textbox", name="Id")).to_be_focused()
    form.get_by_role("textbox", name="Id").fill("mornings")
    form.get_by_role("textbox", name="Topic").fill("reports.due")
    form.get_by_label("Kind of schedule").select_option("cron")
    form.get_by_role("textbox", name="When").fill("0 25 * * *")
    form.get_by_label("Time zone").fill("Europe/Berlin")
    form.get_by_role("textbox", name="Message").fill('{"report": "daily"')
    form.get_by_label("Send as").select_option("as JSON")
    expect(form).to_contain_text("This is no JSON")
    form.get_by_role("textbox", name="Message").fill('{"report": "daily"}')
    form.get_by_role("button", name="Create").click()
    expect(form.locator("#schedule-when-flaw")).to_contain_text("25")
    form.get_by_role("textbox", name="When").fill("0 9 * * 1-5")
    form.get_by_role("button", name="Create").click()
    panel = page.get_by_role("complementary", name="Schedule")
    expect(panel).to_contain_text("0 9 * * 1-5 Europe/Berlin")
    expect(panel).to_contain_text('report: "daily"')
    expect(_row(page, "mornings")).to_contain_text("never")
    [row] = app.read("/api/schedules")["schedules"]
    assert (row["schedule_id"], row["zone"], row["created_by"]) == (
        "mornings", "Europe/Berlin", "ann",
    )  # fmt: skip


def test_it_is_run_now_paused_and_goes_on(app, visit):
    """Each act has its receipt; a run leads to its message; a paused one says so."""
    _set(app, "hourly", topic="ticks.hour")
    page = visit(f"{app.at}/schedules?schedule=hourly")
    live(page)
    panel = page.get_by_role("complementary", name="Schedule")
    expect(panel).to_contain_text(re.compile(r"in (59 min|1 h)"))
    panel.get_by_role("button", name="Run now").click()
    expect(panel.get_by_role("status")).to_contain_text("published")
    expect(panel.get_by_role("link", name="#1")).to_have_attribute(
        "href", "/topics/ticks.hour?message=1"
    )
    expect(panel).not_to_contain_text("never")
    panel.get_by_role("button", name="Pause").click()
    expect(panel).to_contain_text("paused by ann")
    expect(_row(page, "hourly")).to_contain_text("paused")
    panel.get_by_role("button", name="Resume").click()
    expect(panel.get_by_role("status")).to_contain_text("goes on")
    expect(_row(page, "hourly")).to_contain_text("in ")
    panel.get_by_role("link", name="ticks.hour").click()
    page.wait_for_url("**/topics/ticks.hour")
    expect(page.get_by_role("log")).to_contain_text("hourly")
    expect(page.get_by_role("log").get_by_role("link", name="action")).to_have_count(0)


def test_it_is_changed_and_removed(app, visit):
    """By keys from the list; what was there stands in the form; a removal is asked once more."""
    _set(app, "changing", message="as it was")
    page = visit(f"{app.at}/schedules?q=changing")
    live(page)
    expect(_row(page, "changing")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Schedule")
    panel.get_by_role("button", name="Edit").click()
    form = page.get_by_role("form", name="Edit schedule")
    expect(form.get_by_role("textbox", name="Message")).to_have_value("as it was")
    form.get_by_role("textbox", name="When").fill("2h")
    form.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("button", name="Edit")).to_be_visible()
    expect(_row(page, "changing")).to_contain_text("every 2h")
    panel.get_by_role("button", name="Remove…").click()
    panel.get_by_role("button", name="Keep it").click()
    panel.get_by_role("button", name="Remove…").click()
    panel.get_by_role("button", name="Remove it").click()
    expect(_row(page, "changing")).to_have_count(0)
    expect(panel).to_contain_text("There is no schedule “changing”")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desk", "phone"])
def test_the_page_can_be_read(app, visit, width, scheme):
    """In both themes and widths: nothing for axe to find, nothing wider than the window."""
    _set(app, "a-rather-long-name-of-a-schedule", when="cron:*/5 * * * *", zone="Asia/Kathmandu")
    _set(app, "resting")
    app.applied([q.schedule_pause("resting", "bob")])
    look = {"viewport": PHONE, "has_touch": True} if width == "phone" else {}
    page = visit(f"{app.at}/schedules", color_scheme=scheme, **look)
    live(page)
    expect(_row(page, "resting")).to_contain_text("paused")
    _check(page, f"{width}-schedules-{scheme}")
    _row(page, "a-rather-long-name-of-a-schedule").click()
    panel = page.get_by_role("complementary", name="Schedule")
    expect(panel.get_by_role("button", name="Run now")).to_be_visible()
    panel.get_by_role("button", name="Remove…").click()
    _check(page, f"{width}-schedule-{scheme}")
    panel.get_by_role("button", name="Close").click()
    page.get_by_role("button", name=re.compile("Create")).click()
    expect(page.get_by_role("form", name="New schedule")).to_be_visible()
    _check(page, f"{width}-schedule-new-{scheme}")


def _check(page, name: str) -> None:
    picture(page, name)
    assert axe_findings(page) == []
    assert not is_wider_than_its_window(page)
