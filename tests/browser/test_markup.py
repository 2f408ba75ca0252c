"""Text from people, agents and models is text: whatever it contains, nothing of it runs."""

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import live, log_of, rows_of, titled

IMG = '<img src=x onerror="window.ran=1">'
SCRIPT = "<script>window.ran=2</script>"
LINK = '<a href="javascript:window.ran=3" id=injected>here</a>'
AGENT = f"eve {IMG}"
NOBODY = f"phantom {SCRIPT}"


@pytest.fixture(scope="module")
def eve(shared):
    """An agent all of whose texts are markup."""
    shared.create(AGENT, f"{IMG}{SCRIPT}", config={"heartbeat_s": 3_600}, description=LINK)
    shared.ticked(AGENT)
    shared.applied(
        [
            q.agent_interrupt(AGENT, f"bob {IMG}", {"subject": f"{LINK}{SCRIPT}"}),
            q.agent_pause_action(AGENT, "bob", f"because {IMG}"),
        ]
    )
    shared.rejected(q.agent_pause_action(NOBODY, "bob", LINK))
    return shared


@pytest.fixture
def look(visit, eve):
    """Visits, and sees to it that nothing ran and nothing was put into the document."""
    pages = []

    def open_page(path, *expected):
        page = visit(eve.at + path if path.startswith("/") else path, expected=expected)
        page.on("dialog", lambda dialog: pages.append(f"dialog: {dialog.message}"))
        live(page)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert not isinstance(page, str), page
        assert page.evaluate("window.ran") is None
        for element in ("main img", "body script", "#injected", "[onerror]"):
            expect(page.locator(element)).to_have_count(0)


def test_the_list_of_sessions_shows_markup_as_text(look):
    """The agent's name and its joke stand in the list as they were written."""
    page = look("/sessions?q=eve")
    line = page.get_by_role("grid", name="Sessions").get_by_role("row").filter(has_text=AGENT)
    expect(line).to_contain_text(AGENT)
    expect(line).to_contain_text(IMG)


def test_a_session_shows_markup_as_text(look, eve):
    """Joke, guidance, reason and state are shown with their brackets, in log and inspector."""
    page = look(eve.page_of(AGENT))
    expect(page.get_by_role("heading", name=AGENT)).to_be_visible()
    expect(rows_of(page, "tick").first).to_contain_text(IMG[:10])  # the joke shortens it
    expect(rows_of(page, "guidance")).to_contain_text(LINK)
    expect(log_of(page)).to_contain_text(f"because {IMG}")
    inspected = page.get_by_role("tabpanel")
    expect(inspected).to_contain_text("told")
    for tab, text in (("Row", IMG), ("Receipts", SCRIPT), ("Config", LINK)):
        page.get_by_role("tab", name=tab).click()
        expect(inspected).to_contain_text(text)


def test_as_guidance_that_is_typed(look, eve):
    """What is typed into the composer stands on its chip as it was typed."""
    page = look(eve.page_of(AGENT))
    field = page.get_by_role("textbox", name="Guidance for")
    field.fill(f"about {SCRIPT}")
    field.press("Enter")
    chip = page.get_by_label("Guidance sent").get_by_role("listitem")
    expect(chip).to_contain_text(SCRIPT)
    expect(chip).to_contain_text("applied")


def test_the_queue_shows_markup_as_text(look):
    """Ids, actors, payloads and errors, in the list and in the panel."""
    page = look("/queue?state=rejected")
    line = page.get_by_role("row").filter(has_text=NOBODY)
    expect(line).to_contain_text(SCRIPT)
    line.click(position={"x": 20, "y": 12})
    panel = page.get_by_role("complementary", name="Action")
    expect(panel).to_contain_text(LINK.partition('"')[0])
    expect(panel).to_contain_text(NOBODY)


def test_where_attention_is_needed(look):
    """A rejection that quotes a name of markup."""
    page = look("/attention")
    expect(page.locator("main")).to_contain_text(NOBODY)


def test_the_palette_and_the_title_show_markup_as_text(look, eve):
    """The palette lists the name; the window's title has it too."""
    page = look(eve.page_of(AGENT))
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("eve")
    expect(page.get_by_role("option").filter(has_text=AGENT)).to_have_count(1)
    expect(page).to_have_title(titled(AGENT))


def test_in_an_address_that_names_nothing(look, eve):
    """A session that does not exist is named by its address, as text."""
    page = look(eve.page_of(f"ghost {IMG}"), "404")
    expect(page.get_by_role("heading", name="There is no session")).to_contain_text(IMG)
