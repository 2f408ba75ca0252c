"""Every page and state in light, dark, at phone width and at 200 % zoom: nothing for axe to find,
nothing wider than the window, nothing that shifts by itself.
"""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import (
    MOST_SHIFT,
    NARROW_SHIFT,
    PHONE,
    axe_findings,
    count_shifts,
    is_wider_than_its_window,
    live,
    picture,
    row_of,
    rows_of,
    shifts_of,
    titled,
    typed,
)
from tests.browser.served import App

LOOKS = {
    "desk": {},
    "phone": {"viewport": PHONE, "has_touch": True},
    "zoom": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}
NARROW = ("phone", "zoom")
look = pytest.mark.parametrize("look", LOOKS)


@pytest.fixture
def check(visit):
    """Notes what is wrong in each state that a page is brought into; fails at the end."""
    found = []

    def examine(page, look, state):
        picture(page, f"{look}-{state}-light")
        if is_wider_than_its_window(page):
            found.append(f"{state}: the document scrolls sideways")
        found.extend(f"{state}: {each}" for each in axe_findings(page))
        most = NARROW_SHIFT if look in NARROW else MOST_SHIFT
        found.extend(f"{state}: {each}" for each in shifts_of(page, most))
        if look == "zoom":
            return  # dark differs in colours alone, which stay the same
        page.emulate_media(color_scheme="dark")
        picture(page, f"{look}-{state}-dark")
        # Only colours differ.
        found.extend(f"{state}, dark: {each}" for each in axe_findings(page, "color-contrast"))
        page.emulate_media(color_scheme="light")

    yield examine
    assert not found, "\n".join(found)


def _visit(visit, look, url):
    page = visit(url, **LOOKS[look])
    live(page)
    expect(page.get_by_text("Offline demonstration")).to_be_attached()  # it is known from now on
    count_shifts(page)
    page.reload()
    live(page)
    return page


def _menu(page, look, command):
    """The palette is the way on a phone; elsewhere its key is."""
    if look in NARROW:
        page.get_by_role("button", name="Menu").click()
    else:
        page.keyboard.press("Control+k")
    typed(page.get_by_role("combobox", name="Go to a page"), command)


@look
def test_the_list_and_what_opens_over_it_can_be_read(fleet, visit, check, look):
    """List, selection, form, palette, help."""
    page = _visit(visit, look, f"{fleet.at}/sessions")
    expect(page.get_by_role("link", name="ada")).to_be_visible()
    check(page, look, "sessions")
    page.get_by_role("checkbox", name="Select ada").click()
    page.get_by_role("checkbox", name="Select grace").click()
    page.get_by_role("button", name="Destroy…").click()
    check(page, look, "sessions-bulk")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Select none").click()
    page.get_by_role("button", name="Create", exact=False).first.click()
    expect(page.get_by_role("textbox", name="Subject")).to_be_visible()
    check(page, look, "create")
    page.get_by_role("complementary").get_by_role("button", name="Close").click()
    _menu(page, look, "a")
    check(page, look, "palette")
    typed(page.get_by_role("combobox", name="Go to a page"), "help")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    check(page, look, "help")
    page.keyboard.press("Escape")
    page.goto(f"{fleet.at}/sessions?q=there+is+no+such+thing")
    expect(page.get_by_text("No session matches.")).to_be_visible()
    check(page, look, "sessions-none-match")


def _under_the_pointer(page):
    """The rows that the timeline has, found by moving along it."""
    strip = page.get_by_role("slider", name="Row on the timeline")
    words = page.get_by_role("region", name="Timeline").locator(".words")
    box = strip.bounding_box()
    found = set()
    for x in range(0, int(box["width"]), 12):
        page.mouse.move(box["x"] + x, box["y"] + 35)
        found.update(map(int, re.findall(r"#(\d+)", words.inner_text())))
    return found


@look
def test_a_session_and_each_tab_of_its_inspector_can_be_read(fleet, visit, check, look):
    """Live, each tab of the inspector, and how sessions look that retry, failed, or ended."""
    page = _visit(visit, look, fleet.page_of("ada"))
    expect(rows_of(page, "tick").last).to_be_visible()
    check(page, look, "session")
    seq = next(row["seq"] for row in fleet.steps("ada") if row["kind"] == "guidance")
    page.goto(fleet.page_of("ada", f"?seq={seq}"))
    expect(row_of(page, seq)).to_be_in_viewport()
    if look != "zoom":  # where the room is the log's
        timeline = page.get_by_role("region", name="Timeline")
        expect(timeline.get_by_role("button", name="Go to the newest")).to_be_visible()
        near = {*range(seq - 3, seq + 4)} - {seq}  # a short tick is narrower than a step
        assert near & _under_the_pointer(page), "the timeline shows another part"
    phone = look in NARROW
    if phone:
        page.get_by_role("button", name="Inspect").click()
    inspected = page.get_by_role("tabpanel")
    for tab, text in (
        ("Snapshot", "subject"),
        ("Row", "now about dogs"),
        ("Receipts", "guidance"),
        ("Config", "joke"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(inspected).to_contain_text(text)
        check(page, look, f"session-{tab.lower()}")
    if phone:
        page.get_by_role("complementary", name="Inspector").get_by_role(
            "button", name="Close"
        ).click()
        expect(inspected).not_to_be_in_viewport()
    for each, text in (
        ("lost", "as asked"),
        ("hedy", "her work is done"),
        ("mary", "1 about"),
    ):
        page.goto(fleet.page_of(each))
        expect(page.get_by_role("log")).to_contain_text(text)
        ending = page.get_by_label("End of the session")
        expect(ending).to_contain_text(re.compile(r"after \d[\d.]* \w"))
        check(page, look, f"session-{each}")


@look
def test_queue_attention_and_system_can_be_read(fleet, visit, check, look):
    """The queue with an action's panel, what needs a person, and the machine's figures."""
    page = _visit(visit, look, f"{fleet.at}/queue")
    line = page.get_by_role("row").filter(has_text="nobody")
    expect(line).to_be_visible()
    check(page, look, "queue")
    line.click(position={"x": 20, "y": 12})
    expect(page.get_by_role("complementary", name="Action")).to_contain_text("is there anybody?")
    check(page, look, "queue-panel")
    page.get_by_role("complementary", name="Action").get_by_role("button", name="Close").click()
    page.goto(f"{fleet.at}/attention")
    expect(page.get_by_role("region", name="Sessions in trouble")).to_contain_text("as asked")
    expect(page.get_by_role("region", name="Rejected actions")).to_contain_text("nobody")
    check(page, look, "attention")
    page.goto(f"{fleet.at}/system")
    expect(page.locator("dl").get_by_role("img", name="Calls by hour")).to_be_visible()
    check(page, look, "system")
    page.goto(f"{fleet.at}/system?worker=1")
    expect(page.get_by_role("img", name="Memory:")).to_be_visible()
    check(page, look, "system-worker")
    page.goto(f"{fleet.at}/system?worker=1&view=table")
    expect(page.get_by_role("region", name="Figures")).to_be_visible()
    check(page, look, "system-table")


@pytest.fixture(scope="module")
def table(shared):
    """A conversation in which one persona is muted, one paused, and one has left."""
    shared.converse("table", "Ada", "Grace", "Joan", cooldown_s=600, max_agent_turns=3)
    shared.applied(
        [
            q.post_message("table", "bob", "Ada, Grace and Joan: what about the moths?"),
            q.post_message(
                "table", "Adele", "I am a person,\nwhose name begins like one of theirs."
            ),
            q.agent_interrupt("table-grace", "bob", {"type": "mute"}),
            q.agent_pause_action("table-ada", "bob"),
            q.agent_destroy_action("table-joan", "bob", "there are too many of us"),
        ]
    )
    shared.became("table-ada", "paused")
    shared.applied([q.conversation_create("table-2", "ann")])
    return shared


@look
def test_conversations_can_be_read(table, visit, check, look):
    """The list and its form; transcript, participants, what is set, and the ways to begin."""
    page = _visit(visit, look, f"{table.at}/conversations?q=table")
    expect(page.get_by_role("link", name="About table")).to_be_visible()
    check(page, look, "conversations")
    page.get_by_role("button", name="Create", exact=False).first.click()
    expect(page.get_by_role("textbox", name="Title")).to_be_visible()
    check(page, look, "conversations-create")
    page.goto(f"{table.at}/conversations/table")
    expect(page.get_by_role("log")).to_contain_text("whose name begins like")
    check(page, look, "conversation")
    if look in NARROW:
        page.locator("main header").get_by_role("button", name="Participants").click()
    side = page.get_by_role("complementary", name="Participants")
    grace = side.get_by_role("listitem", name="Grace")
    grace.get_by_role("button", name="More").click()
    grace.get_by_role("button", name="Why silent?").click()
    grace.get_by_role("button", name="Remove…").click()
    side.get_by_text("Left (1)").click()
    expect(grace).to_contain_text("It is muted")
    check(page, look, "conversation-participants")
    side.get_by_role("button", name="Add persona").click()
    expect(side.get_by_role("textbox", name="Tone")).to_be_visible()
    check(page, look, "conversation-add")
    page.goto(f"{table.at}/conversations/table-2")
    expect(page.get_by_role("heading", name="No messages yet")).to_be_visible()
    check(page, look, "conversation-empty")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An app in whose folder nothing has happened."""
    folder = tmp_path_factory.mktemp("empty")
    app = App(folder / "data", folder / "app")
    yield app
    app.end()


@look
def test_pages_on_which_nothing_is_yet(empty, visit, check, look):
    """Each teaches what would fill it."""
    page = _visit(visit, look, f"{empty.at}/sessions")
    for path, heading in (
        ("sessions", "No sessions yet"), ("conversations", "No conversations yet"),
        ("queue", "No actions yet"), ("attention", "Nothing needs attention"),
        ("topics", "No topics yet"), ("schedules", "No schedules yet"),
        ("documents", "No documents yet"),
    ):  # fmt: skip
        page.goto(f"{empty.at}/{path}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        check(page, look, f"empty-{path}")


def test_a_phone_reaches_every_page(fleet, visit):
    """Through the rail, by touch, with nothing wider than the window on the way."""
    page = visit(fleet.at, **LOOKS["phone"])
    for name in ("Conversations", "Topics", "Queue", "Attention", "System", "Sessions"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).last.tap()
        expect(page).to_have_title(titled(name))
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_attached()
        assert not is_wider_than_its_window(page), name
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Topics").tap()
    page.get_by_role("main").get_by_role("link", name="Schedules").tap()  # the rail has no room
    expect(page).to_have_title(titled("Schedules"))


def test_a_phone_steers_a_session(fleet, visit):
    """By touch: from the list into a session, guidance, a row in the sheet, and back."""
    fleet.create("pocket", config={"heartbeat_s": 3_600})
    page = visit(f"{fleet.at}/sessions?q=pocket", **LOOKS["phone"])
    page.get_by_role("link", name="pocket").tap()
    typed(page.get_by_role("textbox", name="Guidance for"), "about phones")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_label("Guidance sent")).to_contain_text("applied")
    rows_of(page, "guidance").first.locator(".text").tap()
    sheet = page.get_by_role("complementary", name="Inspector")
    expect(sheet).to_be_in_viewport()
    expect(sheet).to_contain_text("phones")
    sheet.get_by_role("button", name="Close").tap()
    expect(sheet.get_by_role("tabpanel")).not_to_be_in_viewport()
    page.get_by_role("button", name="Pause", exact=True).tap()
    expect(page.locator("main header .status")).to_have_text("paused")
    fleet.applied([q.agent_destroy_action("pocket", "ann")])


def test_a_first_visit_stands_still(fleet, visit):
    """The banner of a demonstration has its place before it is known that it comes."""
    page = visit(f"{fleet.at}/sessions")
    live(page)
    page.evaluate("localStorage.removeItem('reins.demonstration')")
    count_shifts(page)
    page.reload()
    expect(page.get_by_role("link", name="ada")).to_be_visible()
    expect(page.get_by_text("Offline demonstration")).to_be_attached()
    assert shifts_of(page) == []


def test_the_form_stands_still_when_its_types_come_late(fleet, visit):
    """What is below their fields comes with them; until then Enter makes nothing."""
    page = _visit(visit, "phone", f"{fleet.at}/sessions")

    def late(route):
        page.wait_for_timeout(1_000)  # what moves right after a press is the user's doing
        route.continue_()

    page.route("**/api/agent-types", late)
    page.get_by_role("button", name="Create", exact=False).first.click()
    panel = page.get_by_role("complementary", name="Create session")
    expect(panel.get_by_role("combobox", name="Type")).to_have_text("Reading the types…")
    expect(panel.get_by_role("button", name="Create")).to_have_count(0)
    panel.get_by_role("textbox", name="Agent").press("Enter")
    expect(panel.get_by_role("textbox", name="Subject")).to_be_visible()
    expect(panel.get_by_role("button", name="Create", exact=True)).to_be_enabled()
    expect(panel.get_by_role("alert")).to_have_count(0)
    page.wait_for_timeout(500)
    moved = [shift for shift in page.evaluate("shifted") if "DIV.template" in str(shift["at"])]
    assert moved == []
