"""A tree on the page: in the list, above a session, in the inspector, and steered from there."""

import json
import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import count_shifts, live, picture, shifts_of

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
    page = visit(f"{tree.at}/sessions?group=tree&q=plan")
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
    tasks.get_by_role("button", name="Drop").click()
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
