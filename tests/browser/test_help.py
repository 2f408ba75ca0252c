"""Help on the page: its keys, ten words, and the documents, which need no other host."""

from playwright.sync_api import expect

from tests.browser.looking import axe_findings, live
from tests.docs.expected import ROOT, rows


def test_help_has_keys_words_and_documents(fleet, visit):
    """The words mean what the glossary says; every document is there, by its name."""
    page = visit(fleet.at)
    live(page)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Help")
    expect(dialog.get_by_text("Command palette")).to_be_visible()
    meanings = {
        word: meaning.replace("`", "")
        for word, meaning in rows((ROOT / "docs" / "glossary.md").read_text())
    }
    for word in ("session", "tick", "guidance", "receipt", "held"):
        expect(dialog.get_by_text(meanings[word], exact=True)).to_be_attached()
    shown = dialog.get_by_role("listitem").get_by_role("link")
    expect(shown).to_have_count(len(list((ROOT / "docs").glob("*.md"))))
    assert axe_findings(page) == []


def test_a_document_is_read_on_the_page(fleet, visit):
    """Its headings are headings, and a link to a place in another leads to that place."""
    page = visit(f"{fleet.at}/help/glossary")
    article = page.get_by_role("article")
    expect(article.get_by_role("heading", level=1, name="Glossary")).to_be_visible()
    page.get_by_role("navigation", name="Documents").get_by_role("link", name="How to").click()
    expect(article.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{fleet.at}/help/how-to#use-several-models")
    heading = article.get_by_role("heading", name="Use several models")
    expect(heading).to_be_in_viewport()
    within = article.locator("a[href*='/help/']").first
    address = within.get_attribute("href")
    within.click()
    page.wait_for_url(f"**{address}")
    expect(article.get_by_role("heading", level=1)).to_be_visible()
    assert axe_findings(page) == []


def test_a_document_that_there_is_not_is_said_so(fleet, visit):
    """With the others beside it."""
    page = visit(f"{fleet.at}/help/nonsense")
    expect(page.get_by_text("There is no document nonsense")).to_be_visible()
    expect(page.get_by_role("navigation", name="Documents")).to_be_visible()
