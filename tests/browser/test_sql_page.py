"""The page for SQL: one SELECT over all tables, as a table, a chart or a file."""

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import app_in
from tests.browser.looking import (
    PHONE,
    axe_findings,
    is_wider_than_its_window,
    live,
    picture,
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """An app with SQL, where two sessions have ticked."""
    with app_in(tmp_path_factory.mktemp("sql"), REINS_SQL="on", REINS_SQL_S="30") as app:
        for name, subject in (("finn", "walruses"), ("mara", "lighthouses")):
            app.create(name, subject, config={"heartbeat_s": 3_600})
            app.ticked(name)
        yield app
        app.end()


def _run(page, statement):
    page.get_by_role("textbox", name="Statement").fill(statement)
    page.keyboard.press("Control+Enter")


def test_a_statement_is_written_run_and_taken_away(asked, visit):
    """By keys; names of tables go into it, ids lead to sessions, the address keeps it."""
    page = visit(f"{asked.at}/sessions")
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/sql")
    field = page.get_by_role("textbox", name="Statement")
    expect(field).to_be_visible()
    picture(page, "sql-empty")
    page.keyboard.press("/")
    page.keyboard.type("SELECT session_id, seq, text FROM")
    side = page.get_by_role("complementary", name="Tables and examples")
    side.get_by_role("searchbox").fill("agent_steps")
    side.get_by_role("listitem").filter(has_text="agent_steps").get_by_text("Use the name").click()
    expect(field).to_have_value("SELECT session_id, seq, text FROM agent_steps")
    expect(field).to_be_focused()
    page.keyboard.type(" WHERE kind = 'tick' ORDER BY 1")
    page.keyboard.press("Control+Enter")
    result = page.get_by_role("region", name="Result")
    expect(result.get_by_role("row")).to_have_count(3)
    expect(result.get_by_role("row").nth(1)).to_contain_text("walrus")
    expect(page.get_by_role("status").filter(has_text="2 rows")).to_be_visible()
    assert "statement=SELECT" in page.url
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.reader(taken.value.path().read_text().splitlines()))
    assert [row[:1] for row in rows] == [["session_id"], ["finn"], ["mara"]]
    page.reload()
    expect(field).to_have_value(re.compile("ORDER BY 1"))
    expect(result).to_have_count(0)  # somebody else may have written it
    page.get_by_role("button", name="Run").click()
    result.get_by_role("link", name="finn").click()
    page.wait_for_url(re.compile(r"/sessions/finn\?seq=\d+"))


def test_what_is_wrong_is_told(asked, visit):
    """A flaw with its place; more rows than are shown, or none; a statement that is stopped."""
    page = visit(f"{asked.at}/sql", expected=("422",))
    _run(page, "DROP TABLE queue")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("only SELECT is taken")
    _run(page, "SELECT nix FROM queue")
    expect(alert).to_contain_text(re.compile(r"nix.*\n.*\^", re.DOTALL))
    _run(page, "SELECT * FROM range(600)")
    expect(alert).to_have_count(0)
    expect(page.get_by_text("There are more than these 500 rows")).to_be_visible()
    _run(page, "SELECT 1 WHERE false")
    expect(page.get_by_text("No row fits.")).to_be_visible()
    _run(page, "SELECT count(*) FROM range(100000000000)")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Run")).to_be_enabled()
    _run(page, "SELECT 41 + 1 AS answer")
    expect(page.get_by_role("region", name="Result")).to_contain_text("42")


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_it_can_be_read(asked, visit, width):
    """In both themes and widths, the table, the chart and the list of tables."""
    look = {"viewport": PHONE, "has_touch": True} if width == "phone" else {}
    page = visit(f"{asked.at}/sql", **look)
    live(page)
    _check(page, f"{width}-sql-empty")
    if width == "phone":
        page.get_by_role("button", name="Tables").click()
    page.get_by_role("button", name="Sessions by status").click()
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text("running")
    _check(page, f"{width}-sql-table")
    page.get_by_role("button", name="Chart").click()
    expect(page.get_by_role("img", name="Chart of sessions by status")).to_be_visible()
    _check(page, f"{width}-sql-chart")
    _run(
        page,
        "SELECT created_at, seq, cost_usd, repeat('long ', 50) AS x FROM agent_steps ORDER BY 1",
    )
    expect(page.get_by_role("img", name="Chart of seq, cost_usd by created_at")).to_be_visible()
    result.get_by_role("button", name="long").first.click()
    expect(result.locator("pre")).to_contain_text("long long")
    _check(page, f"{width}-sql-times")


def _check(page, name):
    assert not is_wider_than_its_window(page)
    picture(page, f"{name}-light")
    assert axe_findings(page) == []
    page.emulate_media(color_scheme="dark")
    picture(page, f"{name}-dark")
    assert axe_findings(page, "color-contrast") == []  # only colours differ
    page.emulate_media(color_scheme="light")
