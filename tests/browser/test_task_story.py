"""A task as a person gives it, on the page alone: created, asked about, approved, and read."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import TALL, axe_findings, live, log_of, picture


@pytest.fixture
def app(start_app, tmp_path):
    return start_app(REINS_WORKSPACES=str(tmp_path / "workspaces"), REINS_HEARTBEAT_S="0.5")


def test_a_task_is_created_approved_and_read(app, visit, tmp_path):
    """Its form leads with the goal; one approval, at its row; a file, and what it did."""
    page = visit(f"{app.at}/sessions", viewport=TALL)
    page.get_by_role("button", name="Create").first.click()
    panel = page.get_by_role("complementary", name="Create session")
    panel.get_by_label("Agent", exact=False).first.fill("writer")
    panel.get_by_label("Type").select_option("task")
    labels = panel.locator("form .field > label")
    expect(labels.nth(2)).to_have_text(re.compile("Goal"))
    panel.get_by_label("Goal", exact=True).fill('write "some words" to notes.txt')
    panel.get_by_label("Tools", exact=True).fill("files\ncommands")
    picture(page, "task-create")
    assert not axe_findings(page)
    panel.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="writer")).to_be_visible()
    live(page)
    expect(page).to_have_title("(1) Waits for approval: writer · Reins")
    item = log_of(page).get_by_role("article")
    expect(item).to_contain_text("write_file")
    guidance = page.get_by_label("Guidance for writer")
    expect(guidance).to_have_attribute("placeholder", re.compile("leave the tests alone"))
    expect(item.locator(".diff .plus")).to_contain_text("some words")
    picture(page, "task-asks")
    assert not axe_findings(page)
    assert not (tmp_path / "workspaces" / "writer" / "notes.txt").exists()
    page.keyboard.press("a")
    expect(log_of(page)).to_contain_text("approved by ann")
    end = page.get_by_label("End of the session")
    expect(end).to_contain_text("Done")
    assert "some words" in (tmp_path / "workspaces" / "writer" / "notes.txt").read_text()
    picture(page, "task-done")
    assert not axe_findings(page)
    page.goto(f"{app.at}/sessions/writer?seq=2")
    page.get_by_role("tab", name="Model").click()
    sent = page.get_by_role("region", name="Context of the thought")
    expect(sent).to_contain_text(re.compile(r"Tokens\s*about \d+ of 16"))
    expect(sent).to_contain_text("Nothing was left out.")
    page.get_by_role("tab", name="Files").click()
    changed = page.get_by_role("list", name="Changed files")
    expect(changed).to_contain_text(re.compile(r"notes.txt\s*added"))
    page.reload()
    expect(log_of(page)).to_contain_text("approved by ann")


def test_one_without_a_goal_is_idle_and_is_given_the_next(app, visit):
    """It says so in list and header; its composer asks for a goal, which it then works towards."""
    config = {"goal": "list the files in .", "when_finished": "idle"}
    app.applied([q.agent_create("hand", "ann", agent_type="task", config=config)])
    page = visit(f"{app.at}/sessions")
    line = page.get_by_role("row").filter(has_text="hand")
    expect(line.get_by_role("gridcell").nth(1)).to_have_text("idle")
    page.goto(app.page_of("hand"))
    expect(page.locator("main header .status")).to_have_text("idle")
    goal = page.get_by_role("textbox", name="Goal")
    goal.fill("remember that the shop is green")
    page.get_by_role("button", name="Send").click()
    expect(log_of(page)).to_contain_text("the shop is green")
    expect(log_of(page)).to_contain_text("remember that the shop is green")
