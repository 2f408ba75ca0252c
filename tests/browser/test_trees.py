"""A tree on the page: in the list, above a session, in the inspector, and steered from there."""

import json
import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import count_shifts, live, picture, shifts_of, status_of

GOAL = "Write a small CLI that counts words, and test it"
WORKERS = {
    name: {"brief": brief, "tools": ["files", "commands"]}
    for name, brief in (("developer", "writes code"), ("tester", "runs tests"))
}


@pytest.fixture(scope="module")
def tree(shared):
    """An orchestrator whose two first children ask before they write."""
    config = {"goal": GOAL, "workers": WORKERS, "budget": {"tree": {"cost_usd": 2.0}}}
    shared.applied([q.agent_create("plan", "ann", agent_type="orchestrator", config=config)])
    return shared


def test_a_tree_can_be_seen_and_steered(tree, visit):
    """Children under their parent, who holds it up, the tasks; an open one is dropped."""
    page = visit(f"{tree.at}/sessions?group=tree&q=plan", expected=("422",))
    names = page.get_by_role("grid").get_by_role("link")
    expect(names).to_have_text(["plan", "plan.t1.1", "plan.t2.1"])
    page.get_by_role("link", name="plan.t1.1").click()
    above = page.get_by_role("navigation", name="Above it in its tree")
    expect(above).to_contain_text("plan")
    expect(above).to_contain_text("task t1")
    above.get_by_role("link", name="plan").click()
    inspector = page.get_by_role("tabpanel")
    expect(inspector).to_contain_text("Nothing of it goes on by itself")
    expect(inspector.get_by_role("region", name="Sessions of the tree")).to_contain_text(
        "write_file wordcount.py"
    )
    expect(page.locator("main header")).to_contain_text("waits for t1 (plan.t1.1), t2 (plan.t2.1)")
    tasks = inspector.get_by_role("region", name="Tasks of plan")
    expect(tasks).to_contain_text(re.compile(r"t3 tester open after t1, t2"))
    picture(page, "tree")
    tasks.get_by_role("button", name="Change").click()
    form = tasks.get_by_role("form", name="Change t3")
    form.get_by_role("textbox", name="Brief").fill("")
    form.get_by_role("button", name="Change").click()
    expect(form.get_by_role("textbox", name="Brief")).to_have_accessible_description(
        re.compile("at least 1 character")
    )
    form.get_by_role("textbox", name="Brief").fill("Run it on an empty file, too")
    picture(page, "tree-change")
    form.get_by_role("button", name="Change").click()
    expect(tasks).to_contain_text("Run it on an empty file, too")
    tasks.get_by_role("button", name="Add a task").click()
    form = tasks.get_by_role("form", name="New task")
    form.get_by_role("combobox", name="Worker").select_option("developer")
    form.get_by_role("textbox", name="Brief").fill("Write a README")
    form.get_by_role("textbox", name="Needs").fill("t1")
    form.get_by_role("button", name="Add").click()
    expect(tasks).to_contain_text(re.compile(r"t4 developer open after t1"))
    added = json.loads(tree.steps("plan")[-1]["payload"])["guidance"]["put"]
    assert [(each["id"], each["needs"]) for each in added] == [("t4", ["t1"])]
    tasks.get_by_role("listitem").filter(has_text="t3 tester").get_by_role(
        "button", name="Drop"
    ).click()
    expect(tasks).not_to_contain_text("t3 tester")
    dropped = json.loads(tree.steps("plan")[-1]["payload"])["guidance"]
    assert dropped == {"type": "plan", "drop": ["t3"]}


def test_what_a_child_asks_names_who_is_above_it(tree, visit):
    """In the inbox the path from the root."""
    page = visit(f"{tree.at}/attention?q=write_file")
    expect(page.get_by_role("article").first).to_contain_text(re.compile(r"plan . plan\.t[12]\.1"))


def test_a_tree_opens_without_a_shift(tree, visit):
    page = visit(f"{tree.at}/sessions")
    live(page)
    count_shifts(page)
    page.goto(tree.page_of("plan"))
    expect(page.get_by_role("region", name="Tasks of plan")).to_be_visible()
    assert shifts_of(page) == []


def test_a_session_is_chosen_with_those_below_it(tree, visit):
    """One press more than the session alone."""
    page = visit(f"{tree.at}/sessions?group=tree&q=plan")
    page.get_by_role("checkbox", name="Select plan", exact=True).click()
    bar = page.get_by_role("region", name="Selected sessions")
    expect(bar).to_contain_text("1 selected")
    bar.get_by_role("button", name="with 2 below").click()
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Select none").click()


def test_a_tree_is_destroyed_and_taken_back_whole(tree, visit):
    """The question says what becomes of the children; Undo brings all of them back."""
    page = visit(tree.page_of("plan"))
    page.get_by_role("button", name="Destroy…").click()
    expect(page.locator("main")).to_contain_text("Its 2 children end with it.")
    page.get_by_role("button", name="Destroy", exact=True).click()
    expect(status_of(page)).to_have_text("stopped")
    page.get_by_role("button", name="Undo").click()
    expect(status_of(page)).to_have_text("running")
    below = page.get_by_role("tabpanel").get_by_role("region", name="Sessions of the tree")
    expect(below.get_by_text("asks")).to_have_count(2)
