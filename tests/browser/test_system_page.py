"""The machine's own figures, what can be done about it, and what cannot be seen from here."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import live, picture

MEASURES = (
    "Loop lag", "Commit latency", "Rows per commit", "Rows written", "Journal rows pending",
    "Queue depth", "Ticks", "Sessions", "Memory", "Clients",
)  # fmt: skip


def _number(page, measure):
    return page.get_by_role("region", name=measure, exact=True).locator(".number")


def _figure(page, name):
    return page.locator("dl").get_by_text(name, exact=True).locator("..").locator(".number")


def test_the_first_screen_says_what_it_costs_what_fails_and_what_waits(fleet, visit):
    """Since the viewer's midnight, and by whom; the inside of the process is below a fold."""
    page = visit(f"{fleet.at}/system")
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = (midnight - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    told = urllib.request.urlopen(f"{fleet.at}/api/usage?since={since}&by=type", timeout=10)
    names = [group["name"] for group in json.load(told)["groups"]]
    expect(_figure(page, "Calls")).to_have_text(re.compile(r"[1-9]"))
    expect(_figure(page, "Spent today")).to_have_text("$0")  # the demonstration is free
    expect(_figure(page, "Failed")).to_have_text(re.compile(r"^[\d.]+ %$"))
    expect(_figure(page, "Waiting")).to_have_text(re.compile(r"ms$"))
    expect(page.locator("dl").get_by_role("img", name="Calls by hour")).to_be_visible()
    expect(page.get_by_role("heading", name="Loop lag")).to_have_count(0)
    page.keyboard.press("b")
    table = page.get_by_role("region", name="Cost, failures and waits by type")
    for name in names:
        expect(table.get_by_role("rowheader", name=name, exact=True)).to_be_visible()
    assert "by=type" in page.url
    page.keyboard.press("b")
    page.keyboard.press("b")
    sessions = page.get_by_role("region", name="Cost, failures and waits by session")
    expect(sessions.get_by_role("link").first).to_be_visible()
    page.get_by_role("button", name="7 days").click()
    expect(page.locator("dl")).to_contain_text("Spent in 7 days")
    expect(page.locator("dl").get_by_role("img", name="Calls by day")).to_be_visible()
    picture(page, "system-spent")


def test_every_chart_has_its_number(fleet, visit):
    """Each measure shows a number and a chart that says the same to a screen reader."""
    page = visit(f"{fleet.at}/system")
    page.get_by_text("Worker and disk").click()
    for measure in MEASURES:
        expect(_number(page, measure)).to_have_text(re.compile(r"\d"))
        chart = page.get_by_role("img", name=f"{measure}:")
        expect(chart).to_be_visible()
        expect(chart).to_have_attribute("aria-label", re.compile(r"\d.*Should be: \S+"))
    tables = page.get_by_role("region", name="Rows and sizes of the tables")
    expect(tables.get_by_role("row").filter(has_text="agent_steps")).to_contain_text(
        re.compile(r"[1-9]")
    )


def test_a_table_shows_the_figures_of_the_charts(fleet, visit):
    """For whoever reads figures better than lines; the choice is in the address."""
    page = visit(f"{fleet.at}/system")
    expect(page.get_by_text("Worker and disk")).to_be_visible()
    page.keyboard.press("w")
    page.get_by_role("button", name="as a table").click()
    figures = page.get_by_role("region", name="Figures")
    expect(figures.get_by_role("row").filter(has_text="Memory")).to_contain_text("MB")
    assert "view=table" in page.url


def test_the_environment_is_reloaded_with_a_receipt(fleet, visit):
    """The button's act goes through the queue, and what became of it is said beside it."""
    page = visit(f"{fleet.at}/system")
    page.get_by_role("button", name="Reload environment").click()
    expect(page.locator("main header").get_by_role("status")).to_contain_text("applied")


def test_figures_of_another_process_are_not_made_up(start_app, shared, visit):
    """What only the worker can measure is not made up, and the list is as live as beside it."""
    web = start_app("--no-worker", "--port", "0", beside=shared)
    page = visit(f"{web.at}/system?worker=1")
    expect(page.locator("main")).to_contain_text("The worker is another process")
    expect(page.get_by_role("region", name="Loop lag")).to_contain_text("not visible here")
    expect(page.get_by_role("region", name="Routes")).to_contain_text("reins models check")
    expect(_number(page, "Memory")).to_have_text(re.compile(r"\d"))
    picture(page, "system-elsewhere")
    page.goto(f"{web.at}/sessions?q=far+away")
    live(page)
    far_away = urllib.request.Request(
        f"{web.at}/api/sessions",
        json.dumps({"agent_id": "far away", "agent_type": "odd", "actor": "ann"}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(far_away, timeout=10).close()
    expect(page.locator('[data-session="far away"]')).to_contain_text("about cats")


def test_what_is_asked_without_a_worker_is_kept(start_app, visit):
    """Banner, Attention and Queue say that nothing runs; what is asked stays queued."""
    app = start_app("--no-worker", "--port", "0")
    page = visit(f"{app.at}/attention")
    expect(page.get_by_text("No worker is running: actions stay in the queue")).to_be_visible()
    expect(page.get_by_role("region", name="No worker runs")).to_contain_text("python -m agents")
    picture(page, "attention-no-worker")
    q.agent_create("ada", "ann")
    page.goto(f"{app.at}/queue")
    expect(page.get_by_role("row").filter(has_text="Create")).to_contain_text("queued")
    page.goto(f"{app.at}/system?worker=1")
    expect(page.locator("main")).to_contain_text("No worker runs, so some charts have no data")
    expect(page.get_by_role("region", name="Loop lag")).to_contain_text("not visible here")
    expect(_number(page, "Queue depth")).to_have_text("1")
    picture(page, "system-no-worker")
