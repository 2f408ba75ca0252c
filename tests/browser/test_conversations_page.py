"""The list of conversations: live, found by keys, by the palette, and by an address."""

import re

from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import live
from tests.browser.talking import conversation_at, participants_of, persona_of

IMG = '<img src=x onerror="window.ran=1">'


def test_the_list_follows_and_is_gone_through_by_keys(shared, visit):
    """Newest activity first, live; `/`, `j`, `k`, `Enter`, and `c` for a new one."""
    for each in ("list-one", "list-two"):
        shared.applied([q.conversation_create(each, "ann", f"Listed {each[5:]}")])
    page = visit(f"{shared.at}/conversations?q=listed")
    live(page)
    lines = page.get_by_role("grid", name="Conversations").get_by_role("row")
    expect(lines).to_have_count(2)
    shared.applied([q.post_message("list-one", "bob", f"first {IMG}")])
    expect(lines.first).to_contain_text(f"bob first {IMG}")
    shared.applied([q.post_message("list-two", "bob", "second")])
    expect(lines.first).to_contain_text("Listed two")
    shared.applied([q.conversation_create("list-three", "ann", "Listed three")])
    expect(lines.first).to_contain_text("Listed three")
    expect(lines.first).to_contain_text("no messages yet")

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search titles")).to_be_focused()
    page.keyboard.press("Enter")
    for key, title in (("j", "Listed three"), ("j", "Listed two"), ("k", "Listed three")):
        page.keyboard.press(key)
        expect(lines.and_(page.locator(".at-line"))).to_contain_text(title)
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/list-three")

    page.goto(f"{shared.at}/conversations")
    live(page)
    page.keyboard.press("c")
    form = page.get_by_role("form", name="Create conversation")
    expect(form.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.type("List, four")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/list-four")


def test_the_palette_goes_to_a_conversation(shared, visit):
    """By its title or id; on its page it offers to speak as another, and to add a persona."""
    shared.converse("named", "Mara")
    page = visit(shared.at)
    live(page)
    palette = page.get_by_role("dialog", name="Command palette")
    page.keyboard.press("Control+k")
    page.keyboard.type("conversation about named")
    named = palette.get_by_role("option").filter(has_text=re.compile("About named"))
    expect(named).to_have_count(1)  # the line that searches for what was typed has small letters
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/named")
    expect(persona_of(page, "Mara")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("speak as")
    page.keyboard.press("Enter")
    expect(page.get_by_role("form", name="Your name").get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("add persona")
    page.keyboard.press("Enter")
    expect(participants_of(page).get_by_role("form", name="Add persona")).to_be_visible()


def test_a_conversation_that_is_not_there_is_opened_once_it_is(shared, visit):
    """The page says what to do, and needs no reload when somebody does it."""
    page = visit(conversation_at(shared, "later"), expected=("404",))
    live(page)
    expect(page.get_by_role("heading", name="There is no conversation “later”")).to_be_visible()
    shared.applied([q.conversation_create("later", "ann", "Better late")])
    expect(page.get_by_role("heading", name="Better late")).to_be_visible()
