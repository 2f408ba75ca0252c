"""Many sessions from the create panel: one request, and what became of all of them."""

import json

from playwright.sync_api import expect

from tests.browser.looking import live


def test_many_are_asked_for_at_once(visit, shared):
    """A number under More makes as many, alike, by one request; names that are taken are passed."""
    shared.create_odd("flock-2")
    page = visit(f"{shared.at}/sessions?q=flock")
    live(page)
    posts = []
    page.on("request", lambda sent: posts.append(sent) if sent.method == "POST" else None)
    page.get_by_role("button", name="Create session").first.click()
    panel = page.get_by_role("complementary", name="Create session")
    panel.get_by_label("Agent", exact=False).first.fill("flock")
    panel.get_by_label("Type").select_option("odd")
    panel.get_by_label("subject").fill("owls")
    panel.get_by_text("More", exact=True).click()
    panel.get_by_label("How many").fill("12")
    expect(panel).to_contain_text("flock-1 to flock-13, all alike, in one request.")
    panel.get_by_role("button", name="Create 12").click()
    expect(panel.get_by_role("status")).to_contain_text("12 of 12 created.")
    names = [f"flock-{number}" for number in (1, *range(3, 14))]
    for name in names:
        assert shared.now(name)["config"]["subject"] == "owls"
    [sent] = [json.loads(post.post_data) for post in posts if post.url.endswith("/api/sessions")]
    assert [entry["agent_id"] for entry in sent] == names
    for name in ("flock-1", "flock-13"):
        expect(page.get_by_role("checkbox", name=f"Select {name}", exact=True)).to_be_attached()


def test_what_is_wrong_with_many_is_shown_at_its_field(visit, shared):
    """A refusal names the entry; the form shows it where it was typed, and nothing is created."""
    page = visit(f"{shared.at}/sessions", expected=("422",))
    live(page)
    page.get_by_role("button", name="Create session").first.click()
    panel = page.get_by_role("complementary", name="Create session")
    panel.get_by_label("Agent", exact=False).first.fill("wrong\u200b")
    panel.get_by_text("More", exact=True).click()
    panel.get_by_label("How many").fill("3")
    panel.get_by_role("button", name="Create 3").click()
    expect(panel.get_by_role("alert")).to_contain_text("Nothing was created")
    expect(panel.get_by_text("U+200B")).to_have_count(1)
    expect(panel).to_contain_text("the id is 'wrong\\u200b-1', with the character U+200B")
