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


def test_the_mind_at_a_row(plans, visit, tmp_path):
    """A chosen row shows what was believed and remembered there, and what was written just then."""
    many = [Task("remember", {"key": f"key-{n}", "value": f"value {n}"}) for n in range(7)]
    plan = sequence(
        Task("believe", {"claim": "it rains", "source": "roof", "strength": 2.5, "text": "drops"}),
        Task("doubt", {"claim": "it rains", "source": "eve", "strength": 2.5, "text": "no drops"}),
        *many,
        Task("forget", {"key": "key-3"}),
        until_(tmp_path / "gate"),
    )
    config = {"plan": to_data(plan), "state": {}}
    plans.applied([q.agent_create("weather", "ann", agent_type="plan", config=config)])
    until(lambda: _kept(plans, "weather").get("key-3") is False, "it has forgotten")
    page = visit(plans.page_of("weather"))
    page.get_by_role("tab", name="Mind").click()
    beliefs, memory = (page.get_by_role("region", name=name) for name in ("Beliefs", "Memory"))
    summary = beliefs.locator("summary")
    expect(summary).to_contain_text(re.compile(r"it rains\s+0.50.*from 0.9.*contested"))
    expect(summary).to_contain_text("2.5 eve: “no drops”")
    expect(beliefs.get_by_role("heading")).to_contain_text("1 contested")
    expect(memory.get_by_role("heading")).to_have_text(re.compile(r"Memory\s+6$"))
    memory.get_by_role("button", name="1 forgotten or expired").click()
    expect(memory.get_by_role("listitem").filter(has_text="key-3")).to_contain_text("forgotten")
    memory.get_by_role("searchbox", name="Search the memory").fill("value 5")
    expect(memory.locator("li:not(.gone)")).to_have_count(1)
    memory.get_by_role("searchbox", name="Search the memory").fill("nothing of it")
    expect(memory).to_contain_text("None of the 6 fits")
    summary.click()
    beliefs.locator(".evidence li").filter(has_text="roof: drops").get_by_role("link").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(re.compile(r"Row #\d+ of"))
    expect(beliefs.locator("summary")).to_contain_text("0.92")
    expect(memory).to_contain_text("It remembers nothing at this row.")
    [first] = [each for each in _memories(plans, "weather") if each["key"] == "key-0"]
    page.goto(plans.page_of("weather", f"?seq={first['seq']}"))
    page.get_by_role("tab", name="Mind").click()
    expect(memory.get_by_role("heading")).to_contain_text("written here")
    picture(page, "mind-at-row")
    assert axe_findings(page) == []


def test_claims_that_contradict_each_other_are_decided(plans, visit, tmp_path):
    """Both are named, with a button to doubt either; then nothing is contradicted any more."""
    plan = sequence(
        Task("believe", {"claim": "it is open", "source": "sign", "strength": 1}),
        Task("believe", {"claim": "it is closed", "source": "door", "strength": 1}),
        until_(tmp_path / "gate"),
    )
    claims = [{"id": "it is open", "excludes": ["it is closed"]}, {"id": "it is closed"}]
    config = {"plan": to_data(plan), "state": {}, "claims": claims}
    plans.applied([q.agent_create("shop", "ann", agent_type="plan", config=config)])
    path = "/api/beliefs?session_id=shop"
    until(lambda: plans.read(path)["contradictions"], "the contradiction")
    page = visit(plans.page_of("shop"))
    page.get_by_role("tab", name="Mind").click()
    told = page.locator("[data-contradiction]")
    expect(told).to_contain_text("cannot both be true")
    expect(told).to_contain_text("A person is to decide.")
    picture(page, "mind-contradiction")
    assert axe_findings(page) == []
    told.get_by_role("button", name="Doubt “it is open”").click()
    expect(told).to_have_count(0)
    [doubt] = [
        each
        for belief in plans.read(path)["items"]
        for each in belief["evidence"]
        if each["actor"] == "ann"
    ]
    assert doubt["text"] == "it contradicts “it is closed”"


def test_people_change_what_is_remembered(plans, visit, tmp_path):
    """They put, forget and restore a memory of a session, and one that all share, with receipts."""
    plan = sequence(Task("remember", {"key": "price", "value": 12}), until_(tmp_path / "gate"))
    config = {"plan": to_data(plan), "state": {}}
    plans.applied([q.agent_create("keeper", "ann", agent_type="plan", config=config)])
    until(lambda: _memories(plans, "keeper"), "it remembers")
    page = visit(plans.page_of("keeper"))
    page.get_by_role("tab", name="Mind").click()
    memory = page.get_by_role("region", name="Memory")
    memory.get_by_role("button", name="Forget price").click()
    expect(memory).to_contain_text(re.compile(r"forget price:\s+applied\sat\s#\d+"))
    expect(memory).to_contain_text("It remembers nothing any more.")
    memory.get_by_role("button", name="1 forgotten or expired").click()
    memory.get_by_role("button", name="Restore price").click()
    expect(memory.get_by_role("listitem").filter(has_text="price")).to_contain_text("ann")
    expect(memory.get_by_role("button", name="Forget price")).to_be_visible()
    memory.get_by_role("button", name="Remember…").click()
    form = memory.get_by_role("form", name="Remember")
    form.get_by_role("textbox", name="Key").fill("price")
    form.get_by_role("textbox", name="Value").fill("{nonsense")
    form.get_by_label("Send as").select_option("as JSON")
    expect(form).to_contain_text("This is no JSON")
    form.get_by_role("textbox", name="Value").fill('{"usd": 13}')
    form.get_by_role("button", name="Put in its place").click()
    line = memory.get_by_role("listitem").filter(has_text="price")
    expect(line).to_contain_text('{"usd":13}')
    form.get_by_role("textbox", name="Key").fill("house rule")
    form.get_by_role("textbox", name="Value").fill("no shoes")
    form.get_by_label("Send as").select_option("as text")
    form.get_by_label("Who remembers it").select_option("everybody")
    form.get_by_role("button", name="Remember", exact=True).click()
    shared = memory.get_by_role("listitem").filter(has_text="house rule")
    expect(shared).to_contain_text(re.compile("no shoes.*ann.*shared"))
    picture(page, "mind-remember")
    assert axe_findings(page) == []
    form.get_by_role("button", name="Close").click()
    shared.get_by_role("button", name="Forget house rule").click()
    expect(memory).to_contain_text("1 forgotten or expired")


def _memories(app, session_id: str) -> list:
    return app.read(f"/api/memories?session_id={session_id}")["items"]


def _kept(app, session_id: str) -> dict:
    return {each["key"]: each["held"] for each in _memories(app, session_id)}


def test_what_a_thought_was_told_of_its_memories(plans, visit):
    """The row of a thought says which memories it was told, how it came to these, and how many."""
    keep = q.memory_put("tea", "ann", "the pot is blue", scope="shared")
    assert q.wait_for_action(keep)["outcome"] == "applied"
    config = {"goal": "say what is in the pot", "tools": ["memory"], "max_iterations": 1}
    plans.applied([q.agent_create("potter", "ann", agent_type="task", config=config)])
    until(lambda: len(plans.read("/api/sessions/potter/steps")["items"]) > 1, "it has thought")
    page = visit(f"{plans.page_of('potter')}?seq=2")
    for tab in ("Mind", "Model"):
        page.get_by_role("tab", name=tab).click()
        told = page.get_by_role("region", name="Recalled memories")
        expect(told).to_contain_text("remembered (shared) under 'tea': the pot is blue")
        expect(told).to_contain_text("All of them have room.")
    picture(page, "recalled")
    assert axe_findings(page) == []
