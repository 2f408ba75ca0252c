"""What the page shows of models: answers while they are typed, routes, budgets, what they saw."""

import asyncio
import json
import re
import threading
from contextlib import contextmanager

import pytest
from aiohttp import web
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import axe_findings, picture, rows_of
from tests.browser.served import App
from tests.browser.talking import messages_of
from tests.support.model_stub import BODY, ModelStub, answers, openai_events, streams

JOKE = "Why did the cat, of all, sit on the computer? To keep an eye on the mouse."
FIRST = "Why did the cat,"
"""No key has a comma: what may be the beginning of one is held back while more may come."""
THOUGHT = "They want a joke, I think."
TWO_TICKS = {"budget": {"session": {"ticks": 2}}}
"""Enough to look at; a session that goes on would take time from the tests after it."""
MODELS = """
default = "fast"

[routes.fast]
provider = "compatible"
model = "small"
base_url = "{address}/v1"
price_in = 50
price_out = 200
fallback = ["offline"]

[routes.broken]
provider = "compatible"
model = "large"
base_url = "http://127.0.0.1:9/v1"
attempts = 1
"""


class Pen:
    """A model that writes at once or, about hesitation, stops in the middle until it may go on."""

    def __init__(self):
        self.may_go_on = threading.Event()

    async def __call__(self, stub, request):
        if not request[BODY].get("stream"):
            return await answers("OK")(stub, request)
        if "tulips" in str(request[BODY]):
            thinking = openai_events(f"<think>{THOUGHT}</think>{JOKE}")
            return await streams(thinking)(stub, request)
        if "hesitation" not in str(request[BODY]):
            return await streams(openai_events(JOKE))(stub, request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, event in enumerate(openai_events(JOKE)):
            if number == len(FIRST.split()):
                await asyncio.to_thread(self.may_go_on.wait)
            await response.write(b"data: " + event.encode() + b"\n\n")
        return response


@contextmanager
def serving(pen):
    """A model server in a thread; its address."""
    ready, over = threading.Event(), threading.Event()
    address = []

    async def serve():
        async with ModelStub(default=pen, keep=False) as stub:
            address.append(stub.address)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield address[0]
    over.set()
    thread.join()


@pytest.fixture(scope="module")
def pen():
    return Pen()


@pytest.fixture(scope="module")
def modelled(pen, tmp_path_factory):
    """An app with two routes: one to a model server of ours, and one to nobody."""
    folder = tmp_path_factory.mktemp("models")
    with serving(pen) as address, pytest.MonkeyPatch.context() as environment:
        (folder / "models.toml").write_text(MODELS.format(address=address))
        environment.setenv("REINS_DATA", str(folder / "data"))
        app = App(
            folder / "data", folder / "app",
            REINS_HEARTBEAT_S="0.3", REINS_MODELS=str(folder / "models.toml"),
        )  # fmt: skip
        yield app
        pen.may_go_on.set()
        app.end()


def ghost_of(page):
    return page.get_by_role("group", name="Being written")


@pytest.fixture
def hesitant(modelled, pen):
    """What is about hesitation stops in the middle, until the pen may go on."""
    pen.may_go_on.clear()
    yield modelled
    pen.may_go_on.set()


def test_an_answer_is_seen_while_it_is_typed(hesitant, pen, visit):
    """By those who watch and by those who come in the middle; then its row stands there alone."""
    hesitant.create("ada", "hesitation", config={"heartbeat_s": 3_600})
    page = visit(hesitant.page_of("ada"))
    expect(ghost_of(page)).to_contain_text(FIRST)
    page.reload()
    expect(ghost_of(page)).to_contain_text(FIRST)
    picture(page, "session-typing")
    assert axe_findings(page) == []
    pen.may_go_on.set()
    expect(rows_of(page, "tick")).to_contain_text(JOKE)
    expect(ghost_of(page)).to_have_count(0)
    expect(rows_of(page, "tick")).to_contain_text(re.compile(r"\$0\.00\d\d"))


def test_a_page_that_was_skipped_asks_for_what_was_typed(hesitant, visit):
    """It is told only that it has missed something; no further piece may come for a long time."""

    def say(ours, answer):
        ours.send(answer)
        ours.send(f'42["head",{json.dumps({"room": "run::skipped::skipped", "head": 1})}]')

    look_while_typed(hesitant, visit, "skipped", say)


def test_an_answer_older_than_what_was_heard_hides_nothing(hesitant, visit):
    """A piece may overtake the answer to the subscription, which was made before it."""
    piece = {
        "room": "run::overtaken::overtaken", "agent_id": "overtaken", "session_id": "overtaken",
        "attempt": 1, "offset": 0, "text": FIRST, "ended": False,
    }  # fmt: skip

    def say(ours, answer):
        ours.send(f'42["typing",{json.dumps(piece)}]')
        ours.send(answer)

    look_while_typed(hesitant, visit, "overtaken", say)


def look_while_typed(app, visit, name, say):
    """A page whose first answer to a subscription lacks what was typed; `say` sends it."""
    app.create(name, "hesitation", config={"heartbeat_s": 3_600})
    expect(ghost_of(visit(app.page_of(name)))).to_contain_text(FIRST)
    page, robbed = visit(f"{app.at}/system"), []

    def connected(ours):
        def from_server(message):
            if not robbed and message.startswith("43") and '"typing":{' in message:
                robbed.append(message)
                say(ours, re.sub(r'"typing":\{[^}]*\}', '"typing":null', message))
            else:
                ours.send(message)

        ours.connect_to_server().on_message(from_server)

    page.route_web_socket(re.compile("socket.io"), connected)
    page.goto(app.page_of(name))
    expect(ghost_of(page)).to_contain_text(FIRST)
    assert robbed


def test_a_reply_is_seen_while_it_is_composed(hesitant, pen, visit):
    """Beside the name of the persona that composes it; then the message stands there instead."""
    hesitant.converse("tea", "Grace", cooldown_s=0)
    page = visit(f"{hesitant.at}/conversations/tea")
    expect(page.get_by_text("Grace is composing")).not_to_be_visible()
    q.post_message("tea", "ann", "Now a word about hesitation?")
    expect(ghost_of(page)).to_contain_text(FIRST)
    picture(page, "conversation-typing")
    pen.may_go_on.set()
    expect(messages_of(page, "Grace").last).to_contain_text(JOKE)
    expect(ghost_of(page)).to_have_count(0)


def test_routes_are_seen_and_tried(modelled, visit):
    """A line with its figures each; what a try says stands below, in words."""
    modelled.create("bob", "cats", config=TWO_TICKS)
    modelled.ticked("bob", 2)
    page = visit(f"{modelled.at}/system")
    routes = page.get_by_role("region", name="Routes of models")
    fast, broken = (routes.locator(f'[data-route="{name}"]') for name in ("fast", "broken"))
    expect(fast).to_contain_text("ready")
    expect(fast).to_contain_text("then offline")
    expect(fast).to_contain_text(re.compile(r"\$0\.\d+"))
    fast.get_by_role("button", name="Try fast").click()
    broken.get_by_role("button", name="Try broken").click()
    expect(fast.get_by_role("status")).to_contain_text("It answers")
    expect(broken.get_by_role("status")).to_contain_text("nothing listens at")
    expect(page.get_by_role("region", name="Routes", exact=True)).to_contain_text(
        "since midnight UTC"
    )
    fast.scroll_into_view_if_needed()
    picture(page, "system-routes")


def test_a_held_session_goes_on_once_its_limit_is_raised(modelled, visit):
    """Marked in the list; its own page and Attention have the reason and the form."""
    modelled.create("poor", "money", config={"budget": {"session": {"ticks": 1}}})
    modelled.became("poor", "paused")
    page = visit(f"{modelled.at}/sessions?q=poor")
    line = page.locator('[data-session="poor"]')
    expect(line).to_contain_text("held")
    expect(line).to_contain_text("session ticks 1 of 1 spent")
    line.get_by_role("link", name="poor").click()
    expect(page.get_by_role("region", name="Held by a budget")).to_contain_text("1 of 1 spent")
    page.get_by_role("link", name="Attention").click()
    held = page.get_by_role("group", name=re.compile("^held"))
    held.get_by_role("button", name="Sessions of this cause").click()
    expect(held).to_contain_text("session ticks 1 of 1 spent")
    for box in held.get_by_role("checkbox").all():  # those of other tests
        if box.get_attribute("aria-label") != "Include poor":
            box.uncheck()
    assert axe_findings(page) == []
    picture(page, "attention-held")
    held.get_by_label("Raise the session's limit to").fill("3")
    held.get_by_role("button", name="Raise").click()
    expect(page.get_by_role("status").filter(has_text="Raise 1 poor")).to_be_visible()
    modelled.ticked("poor", 3)


def test_what_the_model_saw_and_what_it_may_take(modelled, visit):
    """The prompt of a chosen tick by its parts, each to be opened, with the raw answer and, folded,
    what the model thought before it; and beside it the budget, where a limit is set and removed.
    """
    modelled.create("eve", "tulips", config=TWO_TICKS)
    modelled.ticked("eve", 2)
    ticks = [row for row in modelled.steps("eve") if row["kind"] == "tick"]
    page = visit(modelled.page_of("eve", f"?seq={ticks[1]['seq']}"))
    page.get_by_role("tab", name="Model").click()
    calls = page.get_by_role("list", name="Calls of models for row")
    expect(calls).to_contain_text("TellAJoke")
    expect(calls).to_contain_text("fast")
    expect(calls.get_by_label("Raw answer")).to_have_text(JOKE)
    expect(calls.get_by_label("Thinking")).to_be_hidden()
    calls.get_by_text("no part of the answer").click()
    expect(calls.get_by_label("Thinking")).to_have_text(THOUGHT)
    part = calls.get_by_role("region", name="Message 2, user").locator("details")
    part = part.filter(has_text="[subject]")
    expect(part).to_contain_text("1 line")
    part.locator("summary").click()
    expect(part.locator("pre")).to_have_text('[subject] "tulips"')
    assert axe_findings(page) == []
    picture(page, "session-model")

    page.get_by_role("tab", name="Budget").click()
    form = page.get_by_role("form", name="Set a limit")
    form.get_by_label("Unit").select_option(label="Tokens")
    form.get_by_role("spinbutton").fill("90000")
    form.get_by_role("button", name="Set").click()
    expect(form.get_by_role("status")).to_contain_text("applied")
    own = page.get_by_role("region", name="Budget of the session")
    expect(own).to_contain_text(re.compile(r"Tokens\s*[\d,]+ of 90,000"))
    picture(page, "session-budget")
    form.get_by_role("button", name="Remove").click()
    expect(own).to_contain_text(re.compile(r"Tokens\s*[\d,]+, no limit"))


def test_a_budget_is_given_at_the_creation(modelled, visit):
    """Behind a fold, in the form that is made of the type's own schema."""
    page = visit(f"{modelled.at}/sessions?new=1")
    panel = page.get_by_role("complementary", name="Create session")
    panel.get_by_role("textbox", name="Agent").fill("zoe")
    panel.get_by_label("Type").select_option("joke")
    panel.get_by_text("Advanced").click()
    panel.get_by_label("Route").fill("offline")
    panel.get_by_role("group", name="Session", exact=True).get_by_label("Ticks").fill("2")
    picture(page, "create-advanced")
    panel.get_by_role("button", name="Create").click()
    expect(page.get_by_role("region", name="Held by a budget")).to_contain_text("ticks 2 of 2")
