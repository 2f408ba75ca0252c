"""A conversation on the page: its pace, the line that states the room, its controls; and Undo."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import count_shifts, live, shifts_of
from tests.browser.served import App
from tests.browser.talking import conversation_at, message_field, messages_of, said_in, say
from tests.support.waiting import until

TURN_S = (2.0, 4.0)
SLACK_S = 2.5
"""Of a machine that is busy; never less than a turn's least."""


@pytest.fixture
def calm(start_app):
    return start_app(REINS_PACE="calm", REINS_HEARTBEAT_S="1")


def voices(app: App, conversation_id: str) -> None:
    app.applied([q.conversation_create(conversation_id, "ann")])
    for name, tone in (("Mara", "noir"), ("Finn", "pirate"), ("Ines", "sceptical")):
        config = {"name": name, "tone": tone, "conversation_id": conversation_id, "cooldown_s": 0}
        app.applied([q.agent_create(name, "ann", agent_type="persona", config=config)])


def gaps(rows):
    return [
        (later["created_at"] - before["created_at"]).total_seconds()
        for before, later in pairwise(rows)
    ]


def test_the_demonstration_talks_at_a_pace_and_says_when_it_rests(calm, visit):
    """One composes at a time, 2 to 4 s a turn; who writes holds the next back; a button lets them
    go on, and the room can be paused, resumed and ended."""
    voices(calm, "salon")
    page = visit(conversation_at(calm, "salon"))
    live(page)
    expect(page.get_by_text("They wait for the first message.")).to_be_visible()
    say(page, "Should cats vote?")
    expect(page.get_by_text("is composing", exact=False).first).to_be_visible()
    until(lambda: len(said_in(calm, "salon")) >= 4)
    for gap_s in gaps(said_in(calm, "salon")):
        assert TURN_S[0] - 0.1 <= gap_s <= TURN_S[1] + SLACK_S
    message_field(page).press_sequentially("And", delay=20)
    page.wait_for_timeout(300)
    there = len(said_in(calm, "salon"))
    for letter in "whatofdogs":
        message_field(page).press_sequentially(letter)
        page.wait_for_timeout(700)
    expect(page.get_by_text("while you write", exact=False)).to_be_visible()
    assert len(said_in(calm, "salon")) - there <= 1, "but for one that was being said"
    message_field(page).fill("")
    page.get_by_role("button", name="Messages without a person").click()
    page.get_by_role("textbox", name="Messages without a person").fill("5")
    page.keyboard.press("Enter")
    rests = page.get_by_text("They rest:", exact=False)
    expect(rests).to_contain_text("messages without a person")
    before = len(said_in(calm, "salon"))
    page.get_by_role("button", name="Let them go on").click()
    until(lambda: len(said_in(calm, "salon")) == before + 5)
    expect(rests).to_be_visible()
    page.get_by_role("button", name="Pause all").click()
    expect(page.get_by_text("Paused by ann.")).to_be_visible()
    page.locator("main header").get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Paused by ann.")).to_have_count(0)
    page.get_by_text("More", exact=True).first.click()
    page.get_by_role("button", name="End…").click()
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_text("Ended by ann.")).to_be_visible()
    expect(page.get_by_role("region", name="Say something").get_by_role("textbox")).to_have_count(0)


def test_the_demonstration_is_marked_beside_the_name(shared, visit):
    """Not in the texts."""
    voices(shared, "marked")
    shared.applied([q.post_message("marked", "ann", "Should cats vote?")])
    page = visit(conversation_at(shared, "marked"))
    expect(messages_of(page, "Mara").first.get_by_text("demo", exact=True)).to_be_visible()
    expect(messages_of(page, "ann").first.get_by_text("demo", exact=True)).to_have_count(0)
    for row in said_in(shared, "marked"):
        assert "demo" not in row["text"]


def test_a_conversation_opens_without_a_shift(shared, visit):
    """Long messages and short ones: what is seen first stays where it is."""
    shared.applied([q.conversation_create("opened", "ann")])
    shared.applied(
        [q.post_message("opened", "ann", f"{n} " + "word " * (n * 7 % 90)) for n in range(60)]
    )
    page = visit(f"{shared.at}/conversations")
    live(page)
    count_shifts(page)
    page.goto(conversation_at(shared, "opened"))
    expect(messages_of(page).last).to_be_visible()
    page.wait_for_timeout(1_000)
    assert shifts_of(page) == []


def test_guidance_says_what_was_understood_and_can_be_undone(shared, visit):
    """Pasted JSON is fields; a question is asked back in the composer; the placeholder is the
    type's own."""
    shared.create("joan-undo", "tea", config={"heartbeat_s": 60})
    page = visit(shared.page_of("joan-undo"), expected=("422",))
    live(page)
    field = page.get_by_role("textbox", name="Guidance for joan-undo")
    expect(field).to_have_attribute("placeholder", "What should the jokes be about? now about dogs")
    field.fill('{"subject": "the moon"}')
    field.press("Enter")
    sent = page.get_by_role("list", name="Guidance sent").get_by_role("listitem")
    expect(sent.last).to_contain_text("subject: tea → the moon")
    sent.last.get_by_role("button", name="Undo").click()
    expect(sent.last).to_contain_text("undo: subject: the moon → tea")
    field.fill("stop talking about my uncle")
    field.press("Enter")
    asked = page.get_by_role("alert").filter(has_text="What should the jokes be about?")
    expect(asked).to_be_visible()
    expect(field).to_have_value("stop talking about my uncle")


def test_a_conversation_is_branched_at_a_message(shared, visit):
    """From its line: another page with what was said up to there; the first one goes on."""
    shared.applied([q.conversation_create("forking", "ann", "Which way?")])
    shared.applied([q.post_message("forking", "ann", f"step {n}") for n in range(1, 5)])
    page = visit(conversation_at(shared, "forking"), expected=("409",))
    live(page)
    second = messages_of(page).nth(1)
    second.hover()
    second.get_by_role("button", name="branch").click()
    page.wait_for_url("**/conversations/forking-2")
    expect(page.get_by_role("heading", name="Which way?, from #2")).to_be_visible()
    expect(messages_of(page)).to_have_count(2)
    assert [row["text"] for row in said_in(shared, "forking")] == [f"step {n}" for n in range(1, 5)]
    page.goto(conversation_at(shared, "forking"))
    live(page)
    messages_of(page).nth(1).hover()
    messages_of(page).nth(1).get_by_role("button", name="branch").click()
    page.wait_for_url("**/conversations/forking-2-2")
