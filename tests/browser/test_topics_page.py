"""The pages of topics: all of them, and one with its messages, and with what could not be used."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import (
    PHONE,
    axe_findings,
    is_wider_than_its_window,
    live,
    picture,
    rows_of,
)
from tests.browser.served import App
from tests.support.waiting import until

MODULES = '["agents_impl", "tests.support.topic_agents"]'


@pytest.fixture(scope="module")
def bus(tmp_path_factory):
    """An app whose agents use messages of topics, and try again at once."""
    folder = tmp_path_factory.mktemp("topics")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REINS_DATA", str(folder / "data"))
        app = App(
            folder / "data", folder / "app", REINS_AGENT_MODULES=MODULES,
            REINS_RETRY_WAIT_S="0.01", REINS_RETRY_WAIT_MAX_S="0.01",
        )  # fmt: skip
        yield app
        app.end()


def _subscribe(app: App, agent_id: str, topic: str, **config) -> None:
    given = {"on": [f"topic:{topic}"], **config}
    app.applied([q.agent_create(agent_id, "ann", agent_type="counter", config=given)])


def _publish(app: App, topic: str, *messages) -> None:
    app.applied([q.publish(topic, "ann", each) for each in messages])


def _bury(app: App, topic: str, agent_id: str) -> None:
    """A message that the subscriber could not use after all its attempts."""
    _subscribe(app, agent_id, topic, attempts=2)
    _publish(app, topic, {"add": 1}, "poison", {"add": 2})
    until(lambda: app.read(f"/api/topics/{topic}/dead")["items"], "the dead letter")


def _letters(app: App, topic: str) -> list:
    return app.read(f"/api/topics/{topic}/dead?replayed=true")["items"]


def test_the_list_is_searched_sorted_and_gone_through_by_keys(bus, visit):
    """Every topic with its messages; `/`, `j`, `k`, `Enter`; the address keeps search and order."""
    _publish(bus, "list.small", "one")
    _publish(bus, "list.large", *map(str, range(5)))
    page = visit(f"{bus.at}/sessions")
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/topics")
    grid = page.get_by_role("grid", name="Topics")
    expect(grid).to_be_visible()
    expect(grid.locator("[data-topic='list.large']")).to_contain_text("nobody")
    page.keyboard.press("/")
    page.keyboard.type("list.")
    page.keyboard.press("Enter")
    lines = grid.locator("[data-topic]")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text(re.compile("list.large.*5"))
    page.get_by_role("columnheader", name="Topic").get_by_role("button").click()
    page.get_by_role("columnheader", name="Messages").get_by_role("button").click()
    assert "sort=messages" in page.url
    assert "q=list." in page.url
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(lines.nth(1)).to_have_class(re.compile("at-line"))
    _publish(bus, "list.small", *map(str, range(9)))
    expect(lines.first).to_contain_text(re.compile("list.small.*10"))
    expect(lines.first.locator(".rate")).to_have_text(re.compile(r"\d"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/topics/list.small")


def test_messages_come_live_and_lead_to_what_published_them(bus, visit):
    """A person's to its action, an agent's to the row of its log; JSON opens as a tree."""
    page = visit(f"{bus.at}/topics/live", expected=("404",))
    live(page)
    expect(page.get_by_role("heading", name="Nothing was published to “live” yet")).to_be_visible()
    _publish(bus, "live", {"order": {"item": "tea"}})
    log = page.get_by_role("log")
    first = log.locator("[data-number='1']")
    expect(first).to_contain_text('{"order":{"item":"tea"}}')
    first.get_by_role("button", name='{"order"').click()
    expect(first.locator(".json")).to_contain_text('"tea"')
    expect(first.get_by_role("link", name="action")).to_have_attribute(
        "href", re.compile("action=act")
    )
    config = {"to": "live", "most": 3, "many": 2, "heartbeat_s": 0.01}
    bus.applied([q.agent_create("metronome", "ann", agent_type="ticker", config=config)])
    last = log.locator("[data-number='7']")
    expect(last).to_contain_text('{"tick":3,"part":1}')
    last.get_by_role("link", name="row").click()
    page.wait_for_url(re.compile(r"/sessions/metronome\?seq=\d+"))
    seq = int(page.url.rpartition("=")[2])
    [row] = [row for row in bus.steps("metronome") if row["seq"] == seq]
    assert "tick 3" in row["text"]
    expect(rows_of(page, "tick").filter(has_text="tick 3")).to_be_visible()


def test_the_palette_goes_to_a_topic(bus, visit):
    """By a part of its name."""
    _publish(bus, "far.away", "hello")
    page = visit(f"{bus.at}/sessions")
    live(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("topic far")
    options = page.get_by_role("dialog", name="Command palette").get_by_role("option")
    expect(options.filter(has_text="Go to topic far.away")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/topics/far.away")
    expect(page.get_by_role("log")).to_contain_text("hello")


def test_a_person_publishes(bus, visit):
    """A text, and JSON; what is no JSON is told and stays in the field."""
    _publish(bus, "spoken", "first")
    page = visit(f"{bus.at}/topics/spoken")
    live(page)
    expect(page.get_by_role("log")).to_contain_text("first")
    page.keyboard.press("i")
    field = page.get_by_role("textbox", name="Message")
    expect(field).to_be_focused()
    field.fill('{"item": "tea"}')
    expect(page.get_by_text("It looks like JSON and goes out as text")).to_be_visible()
    field.press("Enter")
    sent = page.get_by_role("list", name="Messages published")
    expect(sent).to_contain_text("published as #2")
    page.get_by_role("combobox", name="Send as").select_option("as JSON")
    field.fill("{item: tea}")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is no JSON")
    expect(field).to_have_value("{item: tea}")
    field.fill('{"item": "tea"}')
    expect(page.get_by_role("alert")).to_have_count(0)
    field.press("Enter")
    expect(sent).to_contain_text("published as #3")
    messages = bus.read("/api/topics/spoken")["items"]
    assert [each["message"] for each in messages] == ["first", '{"item": "tea"}', {"item": "tea"}]
    assert {each["author"] for each in messages} == {"ann"}


def test_a_first_message_makes_a_topic(bus, visit):
    """By the form of the list, which tells a bad name and bad JSON."""
    page = visit(f"{bus.at}/topics?new=1")
    live(page)
    form = page.get_by_role("form", name="New topic")
    name = form.get_by_role("textbox", name="Topic")
    expect(name).to_be_focused()
    name.fill("not a name")
    form.get_by_role("textbox", name="First message").fill("[1, 2")
    form.get_by_role("combobox", name="Send as").select_option("as JSON")
    expect(form.get_by_role("alert")).to_contain_text("This is no JSON")
    expect(form.get_by_role("button", name="Publish")).to_be_disabled()
    form.get_by_role("textbox", name="First message").fill("[1, 2]")
    form.get_by_role("button", name="Publish").click()
    assert name.evaluate("field => !field.validity.valid")
    name.fill("made.here")
    form.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/topics/made.here")
    expect(page.get_by_role("log")).to_contain_text("[1,2]")


def test_a_dead_letter_says_why_and_is_replayed(bus, visit):
    """Which message, whose, after how many attempts; *Replay* gives it again."""
    _bury(bus, "buried", "taker")
    page = visit(f"{bus.at}/topics/buried")
    live(page)
    letters = page.get_by_role("region", name="Dead letters")
    expect(letters).to_contain_text("it is poison")
    expect(letters).to_contain_text("2 attempts")
    expect(letters.get_by_role("link", name="taker")).to_have_attribute("href", "/sessions/taker")
    letters.get_by_role("button", name="#2", exact=True).click()
    expect(page.locator(".message.marked")).to_contain_text("poison")
    letters.get_by_role("button", name="Replay #2 to taker").click()
    expect(letters).to_contain_text("Given again 1")
    letters.get_by_text("Given again 1").click()
    expect(letters).to_contain_text("given again by ann")
    # It is poison still: another letter says so.
    until(lambda: len(_letters(bus, "buried")) == 2, "the second letter")
    expect(letters.get_by_role("button", name="Replay #2 to taker")).to_have_count(1)


def test_all_dead_letters_of_a_topic_are_replayed(bus, visit):
    """By one button, with how many were given again."""
    _bury(bus, "many", "eater")
    _publish(bus, "many", "poison", "poison")
    until(lambda: len(_waiting(bus, "many")) == 3, "three dead letters")
    page = visit(f"{bus.at}/topics/many")
    live(page)
    letters = page.get_by_role("region", name="Dead letters")
    letters.get_by_role("button", name="Replay all 3").click()
    expect(letters).to_contain_text("3 given again.")
    expect(letters).to_contain_text("Given again 3")
    until(lambda: len(_letters(bus, "many")) == 6, "three new ones")


def test_attention_gathers_dead_letters_and_replays_all(bus, visit):
    """By topic and subscriber, one cause each, with all of it replayed by one press or key."""
    _bury(bus, "gathered", "gatherer")
    _publish(bus, "gathered", "poison")
    until(lambda: len(_waiting(bus, "gathered")) == 2, "two dead letters")
    page = visit(f"{bus.at}/attention")
    live(page)
    section = page.get_by_role("region", name="Dead letters, by topic and subscriber")
    line = section.get_by_role("listitem").filter(has_text="gathered")
    expect(line).to_contain_text("it is poison")
    expect(line).to_contain_text("the newest of 2")
    expect(line.get_by_role("link", name="gatherer")).to_have_attribute(
        "href", "/sessions/gatherer"
    )
    rail = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Attention")
    expect(rail).to_contain_text("need attention")
    line.get_by_role("button", name="Replay all 2").click()
    expect(line.get_by_role("status")).to_contain_text("2 given again")
    expect(line.get_by_role("status")).to_contain_text("2 are new since")  # poison they are still
    while not line.locator(".at-line").count():
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    until(lambda: len(_letters(bus, "gathered")) == 6, "replayed once more by the key")
    picture(page, "attention-letters")
    assert axe_findings(page) == []
    bus.applied([q.agent_destroy_action("gatherer", "ann")])
    expect(line.get_by_role("button", name="Replay all 2")).to_be_enabled()
    line.get_by_role("button", name="Replay all 2").click()
    expect(line.get_by_role("status")).to_contain_text("2 refused: session gatherer has ended")


def _waiting(app: App, topic: str) -> list:
    return app.read(f"/api/topics/{topic}/dead")["items"]


def test_subscribers_are_shown_with_their_lag(bus, visit):
    """Who is how far behind, while that changes; where nobody listens it says how one does."""
    _subscribe(bus, "prompt", "heard")
    _subscribe(bus, "idle", "heard")
    bus.applied([q.agent_pause_action("idle", "ann")])
    bus.became("idle", "paused")
    _publish(bus, "heard", *({"add": each} for each in range(3)))
    page = visit(f"{bus.at}/topics/heard")
    live(page)
    side = page.get_by_role("region", name="Subscribers")
    expect(side.get_by_role("listitem").first).to_contain_text(re.compile("idle.*3 behind.*#0"))
    expect(side.get_by_role("listitem").last).to_contain_text(re.compile("prompt.*used all.*#3"))
    expect(side.get_by_role("link", name="idle")).to_have_attribute("href", "/sessions/idle")
    page.goto(f"{bus.at}/topics?q=heard")
    expect(page.locator("[data-topic='heard']")).to_contain_text("2, 3 behind")
    page.goto(f"{bus.at}/topics/heard")
    bus.applied([q.agent_resume_action("idle", "ann")])
    expect(side.get_by_text("has used all")).to_have_count(2)
    _publish(bus, "alone", "hello")
    page.goto(f"{bus.at}/topics/alone")
    expect(side).to_contain_text('Nobody listens. An agent does with on: ["topic:alone"]')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desk", "phone"])
def test_the_pages_can_be_read(bus, visit, width, scheme):
    """In both themes and widths: nothing for axe to find, nothing wider than the window."""
    topic = f"read.{width}.{scheme}"
    _bury(bus, topic, f"reader-{width}-{scheme}")
    _publish(bus, topic, {"long": "word " * 60}, "x" * 300)
    look = {"viewport": PHONE, "has_touch": True} if width == "phone" else {}
    page = visit(f"{bus.at}/topics", color_scheme=scheme, **look)
    live(page)
    expect(page.get_by_role("link", name=topic, exact=True)).to_be_visible()
    _check(page, f"{width}-topics-{scheme}")
    page.get_by_role("button", name=re.compile("New")).click()
    _check(page, f"{width}-topics-new-{scheme}")
    page.goto(f"{bus.at}/topics/{topic}")
    expect(page.get_by_role("log")).to_contain_text("poison")
    _check(page, f"{width}-topic-{scheme}")
    if width == "phone":
        page.get_by_role("button", name=re.compile("Dead letters")).click()
        expect(page.get_by_text("it is poison")).to_be_visible()
        _check(page, f"{width}-topic-letters-{scheme}")


def _check(page, name: str) -> None:
    picture(page, name)
    assert axe_findings(page) == []
    assert not is_wider_than_its_window(page)
