"""The page for SQL while it is off, as it is by itself; a file of its own, for the shared app."""

from playwright.sync_api import expect

from tests.browser.looking import axe_findings


def test_while_it_is_off_it_says_how_to_turn_it_on(shared, visit):
    """With the lines to type, and where more is said."""
    page = visit(f"{shared.at}/sql")
    expect(page.get_by_role("heading", name="SQL is off here")).to_be_visible()
    expect(page.get_by_text("REINS_SQL=on reins run")).to_be_visible()
    expect(page.get_by_role("link", name="How to ask by SQL")).to_have_attribute(
        "href", "/help/how-to#ask-by-sql"
    )
    assert axe_findings(page) == []
