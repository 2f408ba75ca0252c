"""Who is let in, and what the page says of the model it is used with."""

from playwright.sync_api import expect

from tests.browser.looking import axe_findings, gone, live

TOKEN = "a token / of more than 16 characters?"


def test_the_printed_address_lets_in_and_hides_the_token(start_app, visit):
    """It is kept in a cookie and taken out of the address; API and socket work with it."""
    app = start_app(REINS_TOKEN=TOKEN)
    printed = app.worker.stdout.read_text().split(" is at ")[1].split()[0]
    assert "token=" in printed
    page = visit(printed)
    gone(page, "token")
    live(page)
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
    cookie = page.context.cookies()[0]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    page.reload()
    live(page)


def test_a_browser_without_the_token_is_asked_for_it(start_app, visit):
    """By a page, whose wrong answer is told and whose right one opens what was asked for."""
    app = start_app(REINS_TOKEN=TOKEN)
    app.create("ada", "cats")
    page = visit(app.page_of("ada", "?seq=1"), expected=("401",))
    expect(page.get_by_role("heading", name="Reins asks for its token")).to_be_visible()
    assert not axe_findings(page)
    field = page.get_by_label("Token")
    expect(field).to_be_focused()
    field.fill("a wrong one")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not the right one")
    field.fill(TOKEN)
    page.get_by_role("button", name="Open Reins").click()
    live(page)
    assert page.url == app.page_of("ada", "?seq=1")
    expect(page.get_by_role("heading", name="ada")).to_be_visible()
    assert "token" not in page.url


def test_the_demonstration_says_what_it_is(shared, visit):
    """While the offline model answers, every page says so, and what to set for another."""
    page = visit(f"{shared.at}/system")
    banner = page.get_by_text("Offline demonstration: the answers are fixed texts.")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("REINS_MODEL")
    page.goto(f"{shared.at}/sessions")
    expect(banner).to_be_visible()


def test_a_real_route_has_no_such_banner(start_app, visit):
    """The strip names the route instead."""
    app = start_app(REINS_MODEL="local", REINS_MODEL_BASE_URL="http://127.0.0.1:9/v1")
    page = visit(app.at)
    live(page)
    expect(
        page.get_by_label("State of the fleet").get_by_title("The model route in use")
    ).to_contain_text("local")
    expect(page.get_by_text("Offline demonstration")).to_have_count(0)
