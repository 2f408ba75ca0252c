"""The tab *Plan*: a lane for each node, a bar for each run, and the acts on what is live."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from reins.plans import Task, choose, loop_while, parallel, race, retry, sequence, timeout, to_data
from tests.browser.conftest import app_in
from tests.browser.looking import (
    PHONE,
    axe_findings,
    count_shifts,
    focus_of,
    is_wider_than_its_window,
    live,
    picture,
    row_of,
    shifts_of,
    status_of,
)
from tests.support.page_plans import take_, until_
from tests.support.waiting import until


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """An app whose sessions know the actions of the tests."""
    folder = tmp_path_factory.mktemp("plans")
    with app_in(folder, REINS_PLANS='["tests.support.page_plans"]') as app:
        yield app
        app.end()


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


def begin(plans, name, plan, **state):
    config = {"plan": to_data(plan), "state": state}
    plans.applied([q.agent_create(name, "ann", agent_type="plan", config=config)])


def plan_of(plans, name):
    return plans.read(f"/api/sessions/{name}/plan")


def so_far(plans, name, runs, lives):
    """Until so many runs are over, and so many tasks live."""
    until(
        lambda: (len((now := plan_of(plans, name))["runs"]), len(now["live"])) == (runs, lives),
        f"{runs} runs and {lives} live tasks of {name}",
    )


def lane(page, path):
    return page.locator(f'[data-path="{path}"] .lane')


def box(bar):
    found = bar.bounding_box()
    return found["x"], found["x"] + found["width"]


def test_branches_overlap_and_a_skip_ends_the_plan(plans, visit, gate):
    """A quick task, one that waits beside it, and losers: each looks as it is; a press on a bar
    leads to its row.
    """
    both = parallel(take_("quick", 0.7), until_(gate))  # long, so that few ms are few pixels
    first = race(until_(gate), take_("won", 0.2), Task("block"))
    begin(plans, "both", sequence(first, both, take_("last")))
    so_far(plans, "both", 4, 1)
    page = visit(plans.page_of("both"))
    expect(page.get_by_role("tab", name="Plan")).to_have_attribute("aria-selected", "true")
    quick, waiting = lane(page, "/1/0").locator(".bar"), lane(page, "/1/1").locator(".bar")
    expect(quick).to_have_class(re.compile(r"\bdone\b"))
    expect(waiting).to_have_class(re.compile(r"\brunning\b.*\bopen\b"))
    lost, won = lane(page, "/0/0").locator(".bar"), lane(page, "/0/1").locator(".bar")
    expect(lost).to_have_class(re.compile(r"\bcancelled\b"))
    assert lost.evaluate("bar => getComputedStyle(bar).backgroundColor") == "rgba(0, 0, 0, 0)"
    expect(lane(page, "/0/2").locator(".bar")).to_have_class(re.compile(r"\babandoned\b"))
    expect(lane(page, "/2")).to_have_text("not begun")
    began, ended = box(quick)
    assert box(waiting)[0] < ended, "they ran side by side"
    assert box(waiting)[1] > ended
    assert box(won)[1] <= began + 1, "one after the other"
    assert abs(box(lost)[0] - box(won)[0]) < 6
    assert axe_findings(page) == []
    picture(page, "plan")
    seq = plan_of(plans, "both")["runs"][-1]["seq"]
    quick.hover()
    expect(page.locator(".words").last).to_have_text(
        re.compile(r"take /1/0, done, \S+ for \d+ ms, 20 tokens, \$0\.0010: quick is there")
    )
    quick.click()
    expect(page).to_have_url(re.compile(rf"\?seq={seq}$"))
    expect(row_of(page, seq)).to_be_in_viewport()
    tasks = page.get_by_role("region", name="Live tasks")
    tasks.get_by_role("button", name="Skip until_there /1/1").click()
    expect(tasks).to_contain_text(re.compile(r"Skip /1/1:\s+applied\sat\s#\d+"))
    expect(status_of(page)).to_have_text("completed")
    expect(waiting).to_have_class(re.compile(r"\bperson\b"))
    expect(lane(page, "/2").locator(".bar.done")).to_be_visible()
    expect(tasks).to_contain_text("No task is live")
    picture(page, "plan-over")
    assert axe_findings(page) == []


def test_retry_and_cancel_say_what_became_of_them(plans, visit, gate):
    """A task that is begun again has two bars; a cancel that would fail the plan is refused."""
    begin(plans, "again", sequence(until_(gate)))
    so_far(plans, "again", 0, 1)
    page = visit(plans.page_of("again"))
    tasks = page.get_by_role("region", name="Live tasks")
    tasks.get_by_role("button", name="Retry until_there /0").click()
    expect(tasks).to_contain_text("applied at #3")
    expect(lane(page, "/0").locator(".bar")).to_have_count(2)
    expect(lane(page, "/0").locator(".bar.cancelled")).to_have_count(1)
    tasks.get_by_role("button", name="Cancel until_there /0").click()
    expect(tasks).to_contain_text("without /0 (until_there) the plan would fail")


def test_the_chart_is_reached_by_the_keyboard(plans, visit, gate):
    """One stop of Tab; arrows go from bar to bar, and each is told; Enter leads to the row."""
    turns = loop_while("short", Task("count"))
    begin(plans, "keys", sequence(turns, take_("after"), until_(gate)), most=3)
    so_far(plans, "keys", 4, 1)
    page = visit(plans.page_of("keys"))
    chart = page.get_by_role("region", name="Runs over time")
    expect(chart.locator('a.bar[tabindex="0"]')).to_have_count(1)
    chart.locator('a.bar[tabindex="0"]').focus()
    assert "count /0/0#1, done" in focus_of(page)["name"]
    page.keyboard.press("ArrowRight")
    until(lambda: "count /0/0#2, done" in focus_of(page)["name"], "the second turn")
    assert focus_of(page)["visible"]
    page.keyboard.press("ArrowDown")
    until(lambda: "take /1, done" in focus_of(page)["name"], "the next lane")
    expect(chart.locator(".words")).to_contain_text("take /1, done")
    page.keyboard.press("Enter")
    seq = plan_of(plans, "keys")["runs"][-1]["seq"]
    expect(page).to_have_url(re.compile(rf"\?seq={seq}$"))
    page.keyboard.press("Tab")
    assert focus_of(page)["name"].startswith("BUTTON")


def test_waits_failures_and_what_was_not_chosen(plans, visit, gate):
    """Each with a look of its own, in both themes; it opens and goes on without a shift."""
    chosen = choose(take_("a"), Task("think"), selector="second")
    tried = retry(Task("fail"), attempts=2, delay_s=600.0)
    begin(plans, "looks", sequence(chosen, parallel(tried, timeout(until_(gate), 900.0))))
    so_far(plans, "looks", 4, 1)
    page = visit(f"{plans.at}/sessions")
    live(page)
    count_shifts(page)
    page.goto(plans.page_of("looks"))
    expect(lane(page, "/0/0")).to_have_text("not chosen")
    expect(lane(page, "/0/1/plan/1").locator(".bar.done")).to_be_visible()
    expect(lane(page, "/1/0/0").locator(".bar.failed")).to_be_visible()
    expect(lane(page, "/1/0").locator(".bar.waiting.open")).to_be_visible()
    expect(page.get_by_role("region", name="Decisions")).to_contain_text("chose 1")
    assert shifts_of(page) == []
    picture(page, "plan-waits")
    assert axe_findings(page) == []
    page.emulate_media(color_scheme="dark")
    picture(page, "plan-waits-dark")
    assert axe_findings(page, "color-contrast") == []


def test_a_plan_on_a_phone(plans, visit, gate):
    """Lanes below their names, nothing wider than the window, the acts by touch."""
    begin(plans, "pocket", sequence(parallel(take_("quick", 0.1), until_(gate)), take_("last")))
    so_far(plans, "pocket", 1, 1)
    page = visit(plans.page_of("pocket"), viewport=PHONE, has_touch=True)
    page.get_by_role("button", name="Inspect").tap()
    line = page.locator('[data-path="/0/0"]')
    name, bars = line.locator(".name").bounding_box(), line.locator(".lane").bounding_box()
    assert bars["y"] >= name["y"] + name["height"] - 1
    assert bars["width"] > 250
    assert not is_wider_than_its_window(page)
    assert axe_findings(page) == []
    picture(page, "plan-phone")
    page.get_by_role("button", name="Skip until_there /0/1").tap()
    plans.became("pocket", "completed")
    expect(page.get_by_role("region", name="Live tasks")).to_contain_text("applied")


def test_another_session_has_no_such_tab(plans, visit):
    plans.create("joan")
    page = visit(plans.page_of("joan"))
    expect(page.get_by_role("tab", name="Config")).to_be_visible()
    expect(page.get_by_role("tab", name="Plan")).to_have_count(0)


def test_another_item_of_a_choose_is_chosen_there(plans, visit, gate):
    """What ran is cancelled, and the item that was picked runs; the row says what was done."""
    plan = choose(take_("a"), until_(gate), sequence(take_("b"), take_("c")), selector="second")
    begin(plans, "other", plan)
    so_far(plans, "other", 0, 1)
    page = visit(plans.page_of("other"))
    tasks = page.get_by_role("region", name="Live tasks")
    expect(tasks).to_contain_text("choose / runs until_there")
    picture(page, "plan-choose")
    assert axe_findings(page) == []
    tasks.get_by_role("combobox", name="Item of /").select_option("2 sequence")
    tasks.get_by_role("button", name="Choose an item of /").click()
    expect(tasks).to_contain_text(re.compile(r"Choose /:\s+applied\sat\s#\d+"))
    expect(status_of(page)).to_have_text("completed")
    expect(lane(page, "/1").locator(".bar.cancelled")).to_be_visible()
    expect(lane(page, "/2/1").locator(".bar.done")).to_be_visible()
    expect(row_of(page, 3)).to_contain_text("choose: / 2 (sequence)")
