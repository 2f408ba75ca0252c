"""A person and personas in one conversation: begun, followed, steered and kept, on the page."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import TALL, live
from tests.browser.talking import (
    add_persona,
    asked_of,
    conversation_at,
    has_decided,
    message_field,
    message_of,
    messages_of,
    participants_of,
    persona_of,
    said_in,
    say,
    shows_all,
    transcript_of,
)
from tests.support.model_stub import openai_events
from tests.support.waiting import until

CUT_OFF = ("WebSocket", "Failed to load resource", "ERR_")
IMG = '<img src=x onerror="window.ran=1">'
LONG = 430
"""Messages: more than two pages of them."""
MOST_ELEMENTS = 2_500


def test_a_conversation_is_begun_and_steered_and_each_reply_is_seen(start_app, visit):
    """Begun with three personas; one's tone is changed, one is muted, one told to speak."""
    app = start_app(REINS_HEARTBEAT_S="0.5")
    page = visit(f"{app.at}/conversations", viewport=TALL)
    expect(page.get_by_role("heading", name="No conversations yet")).to_be_visible()
    for line in ("conversation_create(", 'agent_type="persona"', "post_message("):
        expect(page.locator("main pre")).to_contain_text(line)

    page.locator("main section").get_by_role("button", name="Create conversation").click()
    form = page.get_by_role("form", name="Create conversation")
    form.get_by_role("textbox", name="Title").fill("Tea time")
    form.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url("**/conversations/tea-time")
    expect(page.get_by_role("heading", name="Tea time")).to_be_visible()
    expect(page.get_by_role("heading", name="No messages yet")).to_be_visible()

    participants_of(page).get_by_role("button", name="Add persona").click()
    participants_of(page).get_by_text("Pace and id").click()
    for name, tone in (("Mara", "friendly"), ("Otto", "grumpy"), ("Lin", "formal")):
        add_persona(page, name, tone)
    say(page, "Mara, Otto and Lin: what makes good tea?")
    for name, tone in (("Mara", "friendly"), ("Otto", "grumpy"), ("Lin", "formal")):
        expect(messages_of(page, name).first).to_contain_text(tone)
        expect(messages_of(page, name).first).to_contain_text("persona")
    expect(messages_of(page, "ann").first).to_contain_text("person")

    persona_of(page, "Mara").get_by_role("button", name="Tone: friendly").click()
    persona_of(page, "Mara").get_by_role("textbox", name="Tone").fill("noir")
    page.keyboard.press("Enter")
    expect(asked_of(page, "Mara")).to_contain_text(re.compile(r"tone: noir.*applied\s+at\s+#\d+"))
    expect(persona_of(page, "Mara").get_by_role("button", name="Tone: noir")).to_be_visible()
    say(page, "And you, Mara?")
    in_noir = messages_of(page, "Mara").filter(has=page.locator(".tone", has_text="noir"))
    expect(in_noir.first).to_be_visible()

    persona_of(page, "Mara").get_by_role("button", name="More").click()
    persona_of(page, "Mara").get_by_role("button", name="Pause").click()
    expect(persona_of(page, "Mara").get_by_text("paused", exact=True)).to_be_visible()
    persona_of(page, "Lin").get_by_role("button", name="More").click()
    persona_of(page, "Lin").get_by_role("slider", name="Talkativeness").fill("0")
    expect(asked_of(page, "Lin").last).to_contain_text(re.compile("talkativeness: 0.*applied"))
    persona_of(page, "Otto").get_by_role("button", name="Mute").click()
    expect(asked_of(page, "Otto").last).to_contain_text(re.compile("mute.*applied"))
    expect(persona_of(page, "Otto")).to_contain_text("muted")

    say(page, "Thank you all.")
    thanked_at = max(row["number"] for row in said_in(app, "tea-time") if row["author"] == "ann")
    has_decided(app, "tea-time", "Lin", thanked_at)
    say(page, "Is there anybody?")
    asked_at = said_in(app, "tea-time")[-1]["number"]
    persona_of(page, "Otto").get_by_role("button", name="Why silent?").click()
    expect(persona_of(page, "Otto")).to_contain_text("It is muted")
    persona_of(page, "Lin").get_by_role("button", name="Why silent?").click()
    expect(persona_of(page, "Lin")).to_contain_text("It left this message to the others")

    persona_of(page, "Lin").get_by_role("button", name="Speak now").click()
    expect(asked_of(page, "Lin").last).to_contain_text(re.compile("speak now.*applied"))
    expect(message_of(page, asked_at + 1)).to_have_attribute("data-speaker", "Lin")
    expect(messages_of(page, "Lin").last).to_have_attribute("data-number", str(asked_at + 1))
    shows_all(app, page, "tea-time")
    page.reload()
    live(page)
    shows_all(app, page, "tea-time")


@pytest.fixture(scope="module")
def quiet(shared):
    """A conversation whose only persona speaks when it is spoken to."""
    shared.converse("quiet", "Mara", talkativeness=0.0, cooldown_s=0.1)
    return shared


@pytest.fixture
def slow_model():
    """A model that answers when it is let go; yields its address, and what lets it go."""
    let_go = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            let_go.wait(30)
            events = openai_events("Green, and not too hot.")
            body = "".join(f"data: {event}\n\n" for event in events).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", let_go
        let_go.set()
        server.shutdown()


def test_who_composes_is_named_and_nothing_jumps(start_app, visit, slow_model):
    """As long as the model answers, and no longer; the fields stand where they stood."""
    at, let_go = slow_model
    app = start_app(REINS_MODEL="local", REINS_MODEL_BASE_URL=at)
    app.converse("tea", "Mara", max_agent_turns=1)
    page = visit(conversation_at(app, "tea"))
    say(page, "Which tea?")
    line = page.get_by_text("Mara is composing")
    expect(line).to_be_visible()
    expect(persona_of(page, "Mara")).to_contain_text("composing")
    before = message_field(page).bounding_box()
    let_go.set()
    expect(messages_of(page, "Mara")).to_contain_text("Green, and not too hot.")
    expect(line).to_have_count(0)
    assert message_field(page).bounding_box() == before


def test_markup_stays_text_and_lines_stay_lines(quiet, visit):
    """What is typed is shown as it was typed; Shift Enter breaks the line."""
    page = visit(conversation_at(quiet, "quiet"))
    message_field(page).fill(IMG)
    message_field(page).press("Shift+Enter")
    page.keyboard.type("<b>second line</b>")
    message_field(page).press("Enter")
    text = messages_of(page, "ann").filter(has_text="second line").locator(".text")
    expect(text).to_have_text(f"{IMG}\n<b>second line</b>", use_inner_text=True)
    assert page.evaluate("window.ran") is None
    expect(page.locator("main img")).to_have_count(0)


def test_nobody_speaks_under_a_personas_name(quiet, visit):
    """It is refused in words, and what was written stays; another name is given in one place."""
    page = visit(conversation_at(quiet, "quiet"), actor="mara", expected=("422",))
    message_field(page).fill("who are you?")
    message_field(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Mara is a persona of quiet")
    expect(message_field(page)).to_have_value("who are you?")
    page.get_by_title("Speak under another name").click()
    name = page.get_by_role("form", name="Your name").get_by_role("textbox")
    expect(name).to_be_focused()
    name.fill("mario")
    name.press("Enter")
    message_field(page).press("Enter")
    expect(messages_of(page, "mario").filter(has_text="who are you?")).to_contain_text("person")


def test_a_person_with_a_personas_name_is_told_apart(shared, visit):
    """By a word and a shape, where the persona came after the person had spoken."""
    shared.converse("namesakes")
    shared.applied([q.post_message("namesakes", "Mara", "I was here first")])
    config = {"conversation_id": "namesakes", "name": "Mara"}
    shared.applied([q.agent_create("namesakes-mara", "ann", agent_type="persona", config=config)])
    page = visit(conversation_at(shared, "namesakes"))
    theirs = messages_of(page, "Mara")
    expect(theirs.filter(has_text="I was here first")).to_contain_text("person")
    expect(theirs.filter(has_text="here first").locator(".portrait.person")).to_be_visible()
    answer = theirs.filter(has=page.locator(".portrait:not(.person)")).last
    expect(answer).to_contain_text("persona")
    answer.get_by_role("link", name="Mara").click()
    page.wait_for_url("**/sessions/namesakes-mara")


def test_a_lost_answer_posts_once_and_a_failure_keeps_the_text(quiet, visit):
    """The repetition carries the same key; what could not be sent waits, and is sent once."""
    page = visit(conversation_at(quiet, "quiet"), expected=CUT_OFF)
    lost = []

    def lose(route):
        if route.request.method == "POST" and not lost:
            route.fetch()
            lost.append(route.request.headers["idempotency-key"])
            route.abort()
        else:
            route.continue_()

    page.route("**/api/conversations/quiet/messages*", lose)
    say(page, "only once, please")
    assert lost
    page.unroute_all()

    page.route(
        "**/api/conversations/quiet/messages*",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    message_field(page).fill("not lost")
    message_field(page).press("Enter")
    problem = page.get_by_role("alert").filter(has_text="The server does not answer")
    expect(problem).to_be_visible()
    page.unroute_all()
    expect(messages_of(page, "ann").filter(has_text="not lost")).to_be_visible()
    said = [row["text"] for row in said_in(quiet, "quiet")]
    assert said.count("only once, please") == said.count("not lost") == 1


def test_what_is_missed_while_cut_off_is_there_afterwards(shared, visit):
    """Nothing lacks, and nothing is there twice, after the network was lost for a while."""
    shared.converse("cut-off", "Ada", "Grace", cooldown_s=0.1, max_agent_turns=6)
    page = visit(conversation_at(shared, "cut-off"), viewport=TALL, expected=CUT_OFF)
    live(page)
    expect(persona_of(page, "Grace")).to_be_visible()
    page.context.set_offline(offline=True)
    expect(page.get_by_text("Disconnected since")).to_be_visible()
    shared.applied([q.post_message("cut-off", "bob", "What is a compiler, Ada and Grace?")])
    until(lambda: len(said_in(shared, "cut-off")) > 4, "replies")
    expect(messages_of(page)).to_have_count(0)
    page.context.set_offline(offline=False)
    expect(messages_of(page, "bob")).to_be_visible()
    shared.applied([q.agent_pause_action(f"cut-off-{each}", "bob") for each in ("ada", "grace")])
    shows_all(shared, page, "cut-off")


def test_a_second_of_one_name_is_refused_at_the_field(quiet, visit):
    """The form says why, keeps what was typed, and suggests an id that is free."""
    page = visit(conversation_at(quiet, "quiet"), expected=("409", "422"))
    live(page)
    page.keyboard.press("c")
    form = participants_of(page).get_by_role("form", name="Add persona")
    name = form.get_by_role("textbox", name="Name")
    expect(name).to_be_focused()
    page.keyboard.type("Mara")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(form.get_by_role("alert")).to_be_visible()
    expect(name).to_have_accessible_description(re.compile("Mara"))
    expect(name).to_have_value("Mara")


def test_one_leaves_when_asked_twice(shared, visit):
    """Remove asks in place; who left is listed under a fold, and what it said stays."""
    shared.converse("parting", "Ida", "Una", cooldown_s=0.1, max_agent_turns=2)
    page = visit(conversation_at(shared, "parting"))
    say(page, "Ida, will you stay?")
    expect(messages_of(page, "Ida").first).to_be_visible()
    persona_of(page, "Ida").get_by_role("button", name="More").click()
    persona_of(page, "Ida").get_by_role("button", name="Remove…").click()
    persona_of(page, "Ida").get_by_label("Remove Ida?").fill("it is late")
    persona_of(page, "Ida").get_by_role("button", name="Remove", exact=True).click()
    expect(persona_of(page, "Ida")).to_have_count(0)
    expect(persona_of(page, "Una")).to_be_visible()
    participants_of(page).get_by_text("Left (1)").click()
    expect(participants_of(page).get_by_role("list", name="Left")).to_contain_text("Ida")
    expect(messages_of(page, "Ida").first).to_be_visible()


def test_the_exports_are_files(quiet, visit):
    """Both links give a file that holds what was said."""
    quiet.applied([q.post_message("quiet", "bob", "a line to keep")])
    page = visit(conversation_at(quiet, "quiet"))
    page.locator("main header").get_by_text("More", exact=True).click()
    for name, ending in (("Markdown", ".md"), ("JSON", ".json")):
        with page.expect_download() as given:
            page.locator("main header").get_by_role("link", name=name).click()
        assert given.value.suggested_filename.endswith(ending)
        whole = Path(given.value.path()).read_text()
        assert "a line to keep" in whole
        if ending == ".json":
            json.loads(whole)


@pytest.fixture(scope="module")
def long(shared):
    """A conversation of people, longer than what is read at once."""
    shared.applied([q.conversation_create("long", "ann")])
    for number in range(1, LONG + 1):
        asked = q.post_message("long", "ann" if number % 3 else "bob", f"remark {number}")
    shared.applied([asked])
    return shared


def test_a_long_transcript_opens_at_its_end_and_reads_back(long, visit):
    """The newest in sight, the first and the last a key away, what is new counted, little held."""
    page = visit(conversation_at(long, "long"))
    expect(message_of(page, LONG)).to_be_in_viewport()
    transcript_of(page).focus()
    page.keyboard.press("Home")
    expect(message_of(page, 1)).to_be_in_viewport()
    expect(message_of(page, 2)).to_contain_text("remark 2")
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
    page.keyboard.press("End")
    expect(message_of(page, LONG)).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(message_of(page, 1)).to_be_in_viewport()
    long.applied([q.post_message("long", "bob", "something new")])
    page.get_by_role("button", name=re.compile(r"^1 new")).click()
    expect(messages_of(page, "bob").last).to_contain_text("something new")
    expect(messages_of(page, "bob").last).to_be_in_viewport()


def test_a_personas_guidance_has_fields(quiet, visit):
    """On its session's page: first the type, then what that type takes."""
    page = visit(quiet.page_of("quiet-mara"))
    page.get_by_role("button", name="Use fields").click()
    guidance = page.get_by_role("region", name="Guidance")
    guidance.get_by_role("combobox", name="Type").select_option("set_tone")
    guidance.get_by_role("textbox", name="Tone").fill("solemn")
    guidance.get_by_role("button", name="Send").click()
    sent = page.get_by_label("Guidance sent")
    expect(sent).to_contain_text(re.compile("set tone: solemn.*applied"))
