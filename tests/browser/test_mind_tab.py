"""The tab *Mind*: what a session believes and on what that rests, and what it remembers."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from reins.plans import Task, sequence, to_data
from tests.browser.conftest import app_in
from tests.browser.looking import axe_findings, is_wider_than_its_window, picture
from tests.support.page_plans import until_
from tests.support.waiting import until


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """An app whose sessions know the actions of the tests."""
    folder = tmp_path_factory.mktemp("minds")
    with app_in(folder, REINS_PLANS='["tests.support.page_plans"]') as app:
        yield app
        app.end()


def test_beliefs_are_looked_into_and_taken_back(plans, visit, tmp_path):
    """A claim opens its curve and its evidence; a piece is taken back; a person adds a word."""
    plan = sequence(
        Task("believe", {"claim": "the cellar is wet", "source": "sensor", "strength": 3}),
        Task("doubt", {"claim": "the cellar is wet", "source": "bob", "text": "my feet are dry"}),
        Task("remember", {"key": "house", "value": {"street": "Elm"}}),
        until_(tmp_path / "gate"),
    )
    config = {"plan": to_data(plan), "state": {}}
    plans.applied([q.agent_create("cellar", "ann", agent_type="plan", config=config)])
    until(lambda: plans.read("/api/memories?session_id=cellar")["items"], "it remembers")
    page = visit(plans.page_of("cellar"))
    page.get_by_role("tab", name="Mind").click()
    beliefs, memory = (page.get_by_role("region", name=name) for name in ("Beliefs", "Memory"))
    expect(memory).to_contain_text('house {"street":"Elm"}')
    line = beliefs.get_by_text("the cellar is wet")
    expect(beliefs.locator("summary")).to_contain_text("0.88")
    line.click()
    expect(beliefs.get_by_role("img", name=re.compile("From 0.* to 0.88"))).to_be_visible()
    expect(beliefs).to_contain_text("bob: my feet are dry")
    picture(page, "mind")
    assert axe_findings(page) == []
    assert not is_wider_than_its_window(page)
    beliefs.get_by_role("button", name="Undo bob about the cellar is wet").click()
    expect(beliefs.locator("summary")).to_contain_text("0.95")
    expect(beliefs.locator("li.gone")).to_contain_text("taken back")
    beliefs.get_by_label("Claim").fill("the roof leaks")
    beliefs.get_by_label("Reason").fill("it drips")
    beliefs.get_by_role("button", name="Doubt").click()
    expect(beliefs.locator("summary").first).to_contain_text("the roof leaks 0.27")
    expect(beliefs).to_contain_text(re.compile(r"doubt the roof leaks:\s+applied\sat\s#\d+"))
