"""What sessions ask of people: seen everywhere, decided one by one and many at once."""

import itertools
import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import (
    DESK,
    PHONE,
    axe_findings,
    is_wider_than_its_window,
    live,
    picture,
    rows_of,
    titled,
)
from tests.browser.served import App
from tests.support.waiting import until

APPLIED = re.compile(r"applied\s+at\s+#\d+")
TYPES = '["agents_impl", "tests.support.odd_agents", "tests.support.asking_agents"]'


@pytest.fixture(scope="module")
def asked_app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inbox")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REINS_DATA", str(folder / "data"))
        app = App(folder / "data", folder / "app", REINS_AGENT_MODULES=TYPES)
        yield app
        app.end()


@pytest.fixture
def app(asked_app, monkeypatch):
    """Nothing is open but what the test itself asks."""
    monkeypatch.setenv("REINS_DATA", str(asked_app.data))
    yield asked_app
    for item in q.inbox_items():
        q.agent_destroy_action(item["session_id"], "ann")
    until(lambda: not q.inbox_items(), "an empty inbox")


def _asks(app, session_id, **config):
    """A session that asks; returns when its item is there."""
    app.applied([q.agent_create(session_id, "ann", agent_type="asking", config=config)])
    items = until(
        lambda: [each for each in q.inbox_items() if each["session_id"] == session_id], "its item"
    )
    return items[0]


def _inbox(page):
    return page.get_by_role("region", name="Sessions that ask you")


def _item(page, session_id):
    return page.get_by_role("article").filter(has_text=session_id)


def test_who_waits_says_so_everywhere(app, visit):
    """In the list, the header, the titles, the rail, and first on Attention, with all it takes."""
    _asks(app, "dev-1", args={"text": "hello", "more": [1, 2]})
    page = visit(f"{app.at}/sessions")
    line = page.get_by_role("row").filter(has_text="dev-1")
    expect(line).to_contain_text("asks")
    expect(line).to_contain_text("waits for approval: write_note")
    expect(page).to_have_title("(1) Sessions · Reins")
    badge = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Attention")
    expect(badge).to_contain_text("1")
    page.goto(app.page_of("dev-1"))
    expect(page.locator("main header")).to_contain_text("waits for approval since")
    expect(page.locator("main header .status")).to_have_text("asks")
    expect(page).to_have_title("(1) Waits for approval: dev-1 · Reins")
    page.goto(f"{app.at}/attention")
    live(page)
    item = _item(page, "dev-1")
    for said in ("write_note", "asked", "I need it", "risk: medium: it writes", "hello"):
        expect(item).to_contain_text(said)
    expect(page.locator("main section").first).to_have_attribute("aria-labelledby", "kind-inbox")
    picture(page, "inbox")
    assert not axe_findings(page)


_NUMBERS = itertools.count()
_UNSEEN = {"argv": ["a\u202eb", "c\u200bd", "e\x1bf\r"], "stdin": "rm\u00ad -r"}
_DIFF = "--- f\n+++ f\n@@ -1 +1,3 @@\n-x\n+x␍\n+++ evil\n+\u2066y\n\\ No newline at end of file"


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (
            ("run_python", {"code": "one()\nevil()\ntwo()"},
             {"kind": "text", "text": "one()\n[left out]\ntwo()", "cut": True}),
            ["evil()"],
        ),
        (("run_python", {"code": "evil()"}, {"kind": "fields", "cut": True}), ["evil()"]),
        (
            ("run_command", {"argv": ["echo", "evil"] * 99, "stdin": "more"},
             {"kind": "fields", "cut": True}),
            ["echo evil", "stdin", "more"],
        ),
        (
            ("run_command", _UNSEEN, {"kind": "argv", **_UNSEEN}),
            ["a<U+202E>b", "c<U+200B>d", "e␛f␍", "rm<U+00AD> -r"],
        ),
        (
            ("run_shell", {"line": "evil"}, {"kind": "argv", "argv": ["sh", "-c", "good"]}),
            ["line", "evil"],
        ),
        (
            ("write_file", {"path": "f", "content": "x\r\n++ evil\n\u2066y"},
             {"kind": "diff", "path": "f", "diff": _DIFF}),
            ["x␍", "++ evil", "<U+2066>y", "no line end after this line"],
        ),
        (
            ("write_file", {"path": "f", "content": "evil"},
             {"kind": "diff", "path": "f", "diff": "+x", "cut": True}),
            ["content", "evil"],
        ),
    ],
    ids=["code", "no view", "long argv", "unseen", "another line", "diff", "cut diff"],
)  # fmt: skip
def test_nothing_of_a_call_is_out_of_sight(app, visit, call, shown):
    """Where the preview is cut, the arguments stand in full; what nobody sees is marked."""
    tool, args, preview = call
    session_id = f"seen-{next(_NUMBERS)}"
    _asks(app, session_id, tool=tool, args=args, preview=preview)
    page = visit(f"{app.at}/attention")
    live(page)
    item = _item(page, session_id).locator(".preview")
    for said in shown:
        expect(item).to_contain_text(said)
    expect(item).not_to_contain_text(re.compile(r"@@|-\d+(,\d+)? \+\d"))


def test_an_empty_line_of_a_diff_is_as_high_as_others(app, visit):
    """What is approved has as many lines as are shown."""
    preview = {"kind": "diff", "path": "f", "new": True, "diff": "@@ -0,0 +1,3 @@\n+x\n+\n+y"}
    _asks(
        app, "blank", tool="write_file", args={"path": "f", "content": "x\n\ny\n"}, preview=preview
    )
    page = visit(f"{app.at}/attention")
    lines = _item(page, "blank").locator(".diff .plus")
    expect(lines).to_have_count(3)
    heights = [each.bounding_box()["height"] for each in lines.all()]
    assert max(heights) - min(heights) < 1


def test_keys_pass_over_what_was_decided(app, visit):
    """It stays where it was, and the next key is about the next one."""
    for session_id in ("key-1", "key-2", "key-3"):
        _asks(app, session_id)
    page = visit(f"{app.at}/attention")
    live(page)
    expect(page.get_by_role("article")).to_have_count(3)
    for key in "jja":
        page.keyboard.press(key)
    expect(_item(page, "key-2")).to_contain_text(APPLIED)
    for key in "ja":
        page.keyboard.press(key)
    expect(_item(page, "key-3")).to_contain_text(APPLIED)
    for key in "ka":
        page.keyboard.press(key)
    expect(_item(page, "key-1")).to_contain_text(APPLIED)


def test_keys_decide(app, visit):
    """`a` approves what is chosen; the receipt says at which row; the inbox is empty then."""
    _asks(app, "dev-2")
    _asks(app, "dev-3")
    page = visit(f"{app.at}/attention")
    live(page)
    expect(page.get_by_role("article")).to_have_count(2)
    page.keyboard.press("a")  # of two none is meant before one is chosen
    expect(page.get_by_role("article").get_by_role("button", name="Approve")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("a")
    item = _item(page, "dev-3")
    expect(item).to_contain_text(re.compile(r"approve\s*applied\s+at\s+#\d+"))
    expect(item.get_by_role("button", name="Approve")).to_have_count(0)
    until(lambda: any("did" in row["text"] for row in app.steps("dev-3")), "the call")
    expect(_item(page, "dev-2").get_by_role("button", name="Approve")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("r")
    page.keyboard.type("not like this")
    page.keyboard.press("Enter")
    expect(_item(page, "dev-2")).to_contain_text(re.compile(r"reject\s*applied"))
    until(lambda: any("not like this" in row["text"] for row in app.steps("dev-2")), "the reason")
    badge = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Attention")
    expect(badge).not_to_contain_text("need attention")


def test_arguments_are_edited_in_a_form_or_as_json(app, visit):
    """What is no JSON is said at once; what the tool refuses is said where it was decided."""
    _asks(app, "dev-4", args={"text": "hello", "times": 2, "loud": False, "parts": ["a", "b"]})
    page = visit(f"{app.at}/attention")
    live(page)
    item = _item(page, "dev-4")
    expect(item).to_be_visible()
    page.keyboard.press("e")
    expect(item.get_by_label("Text")).to_be_focused()
    item.get_by_role("button", name="Use JSON").click()
    whole = item.get_by_label("Arguments as JSON")
    whole.fill("{")
    expect(item.locator(".flaw")).to_contain_text("not JSON yet")
    expect(item.get_by_role("button", name="Approve with these arguments")).to_be_disabled()
    whole.fill('{"other": 1}')
    item.get_by_role("button", name="Approve with these arguments").click()
    expect(item).to_contain_text("text: Field required")
    expect(item.get_by_role("button", name="Approve", exact=False).first).to_be_visible()
    item.get_by_role("button", name="Edit arguments").click()
    item.get_by_label("Text").fill("edited words")
    item.get_by_label("Parts").fill("c\nd")
    item.get_by_label("Loud").check()
    picture(page, "inbox-edit")
    assert not axe_findings(page)
    item.get_by_role("button", name="Approve with these arguments").click()
    expect(item).to_contain_text(re.compile(r"edit\s*applied"))
    done = until(
        lambda: [row["text"] for row in app.steps("dev-4") if row["text"].startswith("did")],
        "the call",
    )
    assert "'text': 'edited words'" in done[0]
    assert "'parts': ['c', 'd']" in done[0]
    assert "'loud': True" in done[0]


def test_a_question_is_answered(app, visit):
    """In words, as Markdown; the answer is told to the agent."""
    _asks(
        app, "dev-5", kind="question", tool="ask_person",
        args={"question": "Which of **both**?", "text": ""},
    )  # fmt: skip
    page = visit(f"{app.at}/attention")
    live(page)
    item = _item(page, "dev-5")
    expect(item.locator(".markdown strong")).to_have_text("both")
    item.get_by_label("Answer to dev-5").fill("the second")
    item.get_by_role("button", name="Answer").click()
    expect(item).to_contain_text(re.compile(r"answer\s*applied"))
    until(lambda: any("the second" in row["text"] for row in app.steps("dev-5")), "the answer")


def test_what_is_risky_takes_two_steps_and_is_never_remembered(app, visit):
    """`a` leads to the button; there is no Always; of a line of shell neither."""
    _asks(app, "dev-6", risk="high")
    page = visit(f"{app.at}/attention")
    live(page)
    item = _item(page, "dev-6")
    expect(item).to_be_visible()
    expect(item.get_by_role("button", name="Always")).to_have_count(0)
    page.keyboard.press("a")
    button = item.get_by_role("button", name="Approve")
    expect(button).to_be_focused()
    expect(item).not_to_contain_text("applied")
    page.keyboard.press("Enter")
    expect(item).to_contain_text(APPLIED)


def test_always_asks_no_more(app, visit):
    """Remembered for the session: the second call of the kind runs without a person."""
    _asks(app, "dev-7", times=3)
    page = visit(f"{app.at}/attention")
    live(page)
    item = _item(page, "dev-7")
    expect(item).to_be_visible()
    page.keyboard.press("Shift+A")
    expect(item.get_by_label("Approve this, and the same call from now on")).to_be_focused()
    item.get_by_role("button", name="Approve always").click()
    until(
        lambda: any("is allowed" in row["text"] for row in app.steps("dev-7")), "the rule at work"
    )
    assert not q.inbox_items()


def test_many_are_decided_over_a_filter_that_is_shown(app, visit):
    """What fits is counted and named; high risk is left for one by one; each has its receipt."""
    for name in ("many-1", "many-2", "many-3"):
        _asks(app, name)
    _asks(app, "many-4", risk="high")
    _asks(app, "other", tool="send_mail")
    page = visit(f"{app.at}/attention")
    live(page)
    expect(page.get_by_role("article")).to_have_count(5)
    page.get_by_label("Filter what is asked").fill("many write_note")
    expect(page.get_by_role("article")).to_have_count(4)
    assert "q=many" in page.url
    expect(_inbox(page)).to_contain_text("1 of high risk is decided one by one")
    page.get_by_role("button", name="Approve all 3 shown").click()
    expect(_inbox(page)).to_contain_text("Approve 3 that fit “many write_note” (3 write_note)?")
    picture(page, "inbox-many")
    assert not axe_findings(page)
    page.get_by_role("button", name="Approve them").click()
    expect(_inbox(page)).to_contain_text("3 of 3 sent")
    until(lambda: {each["session_id"] for each in q.inbox_items()} == {"many-4", "other"}, "two")


def test_before_you_is_shown_what_others_decided(app, visit):
    """The last five about calls of the kind, with names and reasons."""
    for number in range(2):
        item = _asks(app, f"past-{number}", tool="paint")
        app.applied([q.inbox_decide(item["item_id"], "ann", "reject", reason="wrong colour")])
    _asks(app, "dev-8", tool="paint")
    page = visit(f"{app.at}/attention")
    live(page)
    item = _item(page, "dev-8")
    item.get_by_text("before you:").click()
    expect(item).to_contain_text("the last 2 like it: 2 rejected")
    expect(item).to_contain_text("rejected by ann")
    expect(item).to_contain_text("wrong colour")


def test_expiry_is_counted_down_and_is_no_rejection(app, visit):
    """By the server's clock; when it is over the item goes, and the session has been told."""
    _asks(app, "dev-9", expires_in_s=6)
    page = visit(f"{app.at}/attention")
    live(page)
    expect(_item(page, "dev-9")).to_contain_text(re.compile(r"expires in \d s"))
    expect(_item(page, "dev-9")).to_have_count(0)
    until(lambda: any("expire" in row["text"] for row in app.steps("dev-9")), "its expiry")


def test_somebody_else_decides_meanwhile(app, visit):
    """The item leaves the page without a reload."""
    item = _asks(app, "dev-10")
    page = visit(f"{app.at}/attention")
    live(page)
    expect(_item(page, "dev-10")).to_be_visible()
    app.applied([q.inbox_decide(item["item_id"], "bob", "approve")])
    expect(_item(page, "dev-10")).to_have_count(0)
    expect(page).to_have_title(titled("Attention"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_decides(app, visit, scheme):
    """All of it in sight and by touch; nothing wider than the window."""
    _asks(app, f"phone-{scheme}", args={"text": "x" * 300}, expires_in_s=600)
    page = visit(f"{app.at}/attention", viewport=PHONE, has_touch=True, color_scheme=scheme)
    live(page)
    item = _item(page, f"phone-{scheme}")
    expect(item).to_contain_text("expires in")
    picture(page, f"inbox-phone-{scheme}")
    assert not is_wider_than_its_window(page)
    assert not axe_findings(page)
    item.get_by_role("button", name="Approve").tap()
    expect(item).to_contain_text(APPLIED)


def test_the_browser_notifies_where_somebody_asked_for_it(app, visit):
    """Off at first; after the button a hidden page tells the session and the tool, no more."""
    _asks(app, "first")
    page = visit(f"{app.at}/attention", viewport=DESK, permissions=["notifications"])
    live(page)
    page.evaluate(
        """() => {
          window.told = []
          const Stub = function (title, options) { window.told.push(`${title} / ${options.body}`) }
          Stub.permission = 'granted'
          Stub.requestPermission = async () => 'granted'
          window.Notification = Stub
          Object.defineProperty(document, 'hidden', { get: () => true })
        }"""
    )
    _asks(app, "second")
    expect(page.get_by_role("article")).to_have_count(2)
    assert page.evaluate("window.told") == []
    ways = page.get_by_role("group", name="Notify me")
    expect(ways).to_contain_text("title ✓, always")
    ways.get_by_role("button", name="browser").click()
    expect(ways.get_by_role("button", name="browser")).to_have_attribute("aria-pressed", "true")
    _asks(app, "third", args={"text": "a secret"})
    until(lambda: page.evaluate("window.told"), "a notification")
    assert page.evaluate("window.told") == ["third waits for approval / write_note"]
    icon = page.locator("link[rel=icon]")
    # What tests before this one were refused is counted, too.
    before = app.read("/api/actions?limit=1000")["items"]
    matters = 3 + sum(row["outcome"] == "rejected" for row in before)
    expect(icon).to_have_attribute("href", re.compile(rf"^data:image/svg.*%3E{matters}%3C"))
    app.rejected(q.agent_pause_action("nobody", "bob"))
    until(lambda: len(page.evaluate("window.told")) > 1, "of what was rejected, too")
    assert page.evaluate("window.told")[1] == "agent_pause was rejected / "
    expect(icon).to_have_attribute("href", re.compile(rf"^data:image/svg.*%3E{matters + 1}%3C"))


def test_rows_of_decisions_stand_in_the_log(app, visit):
    """With the decision; a session's own page asks nothing more then."""
    item = _asks(app, "dev-11")
    app.applied([q.inbox_decide(item["item_id"], "ann", "approve")])
    page = visit(app.page_of("dev-11"))
    expect(rows_of(page, "guidance").last).to_contain_text("approve of write_note")
    expect(page).to_have_title(titled("dev-11"))
