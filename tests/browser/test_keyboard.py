"""Everything without a mouse: found, opened, steered; one always sees where the focus is."""

import pytest
from playwright.sync_api import expect

from tests.browser.looking import focus_of, gone, live, rows_of, status_of, titled


@pytest.fixture(scope="module")
def keyed(shared):
    shared.create_odd("key1", "key2", "key3")
    shared.create("key-joker", config={"heartbeat_s": 3_600})
    shared.converse("tabbed", "Ada")
    return shared


@pytest.fixture
def page(visit, keyed):
    page = visit(f"{keyed.at}/sessions?q=key")
    live(page)
    expect(page.get_by_role("link", name="key3")).to_be_visible()
    return page


def _line(page, name):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def _marked(page):
    """The line that the keyboard is at, as a screen reader is told of it."""
    at = page.get_by_role("grid").get_attribute("aria-activedescendant")
    return page.locator(f"#{at}").get_by_role("link").first.inner_text() if at else None


def test_a_line_is_found_opened_and_paused(page):
    """`/` searches, `j` and `k` move, `p` pauses and resumes, `Enter` opens."""
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.get_by_role("searchbox", name="Search").fill("key")
    page.keyboard.press("Enter")
    for key, name in (("j", "key-joker"), ("j", "key1"), ("j", "key2"), ("k", "key1")):
        page.keyboard.press(key)
        expect(page.get_by_role("row").and_(page.locator(".at-line"))).to_contain_text(name)
    assert _marked(page) == "key1"
    page.keyboard.press("p")
    expect(_line(page, "key1")).to_contain_text("paused")
    page.keyboard.press("p")
    expect(_line(page, "key1")).to_contain_text("running")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="key1")).to_be_visible()


def test_a_session_is_steered_and_its_rows_are_gone_through(page, keyed):
    """`i` writes, `Escape` leaves the field, `p` pauses, `k` goes up in the log, `Escape` down."""
    page.goto(keyed.page_of("key-joker"))
    expect(rows_of(page, "tick")).to_have_count(1)
    page.keyboard.press("i")
    page.keyboard.type("about ships")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Guidance sent")).to_contain_text("applied")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(status_of(page)).to_have_text("paused")
    page.keyboard.press("k")
    page.wait_for_url("**?seq=*")
    expect(rows_of(page).and_(page.locator("[aria-current]"))).to_have_count(1)
    page.keyboard.press("Escape")
    gone(page, "seq=")


def test_the_pages_are_one_sequence_away(page):
    """`g` and a letter go to each page, and the new page has the focus."""
    for letter, name in (
        ("q", "Queue"),
        ("a", "Attention"),
        ("y", "System"),
        ("c", "Conversations"),
        ("s", "Sessions"),
    ):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page).to_have_title(titled(name))
        expect(page.locator("main")).to_be_focused()


def test_the_palette_does_and_goes(page):
    """Ctrl K finds pages, acts and sessions; Escape closes it and gives the focus back."""
    page.get_by_role("searchbox", name="Search").focus()
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Command palette")
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(palette).to_have_count(0)
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()

    page.keyboard.press("Control+k")
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("key2")
    expect(palette.get_by_role("option")).to_have_count(2)  # the last one searches what was said
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="key2")).to_be_visible()

    page.keyboard.press("Control+k")
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("go to q")
    page.keyboard.press("Enter")
    expect(page).to_have_title(titled("Queue"))


def test_the_help_lists_the_keys_of_the_page(page):
    """`?` shows what can be pressed here, and Escape puts it away."""
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Help")
    expect(help_).to_contain_text("Pause or resume the line")
    expect(help_).to_contain_text("Go to System")
    page.keyboard.press("j")
    assert _marked(page) is None, "a key behind the dialog did something"
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)


def test_a_session_is_created(page):
    """`c` opens the form with its first field focused, Tab goes through it, Enter sends it."""
    page.keyboard.press("c")
    panel = page.get_by_role("complementary", name="Create session")
    expect(panel.get_by_role("textbox", name="Agent")).to_be_focused()
    page.keyboard.type("key-born")
    page.keyboard.press("Tab")
    expect(panel.get_by_role("combobox", name="Type")).to_be_focused()
    expect(panel.get_by_role("button", name="Create")).to_be_enabled()  # the types are read
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/key-born")


@pytest.mark.parametrize(
    "path",
    [
        "/sessions?q=key", "/sessions/key1", "/queue", "/attention", "/system",
        "/conversations", "/conversations/tabbed",
    ],
)  # fmt: skip
def test_the_focus_is_always_to_be_seen_and_never_trapped(page, keyed, path):
    """Tab goes through the page and comes round again; each stop is in sight and outlined."""
    page.goto(keyed.at + path)
    live(page)
    expect(page.get_by_role("status").filter(has_text="Reading")).to_have_count(0)
    page.get_by_role("link", name="Skip to the page").focus()
    seen = []
    for _ in range(90):
        page.keyboard.press("Tab")
        focus = focus_of(page)
        if focus is None:
            break
        assert focus["visible"], f"no outline: {focus}"
        assert focus["inSight"], f"not in sight: {focus}"
        seen.append(focus["name"])
    else:
        pytest.fail(f"Tab does not come round: {seen}")
    assert any("Queue" in name for name in seen), seen
    assert len(seen) > 12, seen
