"""The pages of facts: the newest of all, and one entity with its neighbours and its history."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import PHONE, axe_findings, is_wider_than_its_window, live, picture
from tests.browser.served import App


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """An app with facts of people, one of which a newer one has ended."""
    folder = tmp_path_factory.mktemp("facts")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REINS_DATA", str(folder / "data"))
        app = App(folder / "data", folder / "app")
        for subject, relation, obj, more in (
            ("Ann Ash", "works at", "Elm/Ltd", {"valid_from": "2019", "functional": True}),
            ("Ann Ash", "works at", "Oak Ltd", {"valid_from": "2024-03-01", "source": "Mara"}),
            ("Oak Ltd", "is in", "Bonn", {"document": "letter 7", "text": "on page 3"}),
            ("Ann Asch", "owns", "a boat", {"source": "Mara"}),
        ):
            app.applied([q.fact_remember(subject, relation, obj, "ann", **more)])
        yield app
        app.end()


def test_the_list_is_searched_and_leads_to_an_entity(known, visit):
    """By `g f`, `/`, `j` and `Enter`; each line says whose word it is; what is over is struck."""
    page = visit(f"{known.at}/sessions")
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/facts")
    lines = page.get_by_role("list", name="Facts").get_by_role("listitem")
    expect(lines.first).to_contain_text("Ann Asch owns a boat")
    expect(lines.first).to_contain_text("says Mara")
    expect(page.locator(".over")).to_have_count(1)
    assert axe_findings(page) == []
    page.keyboard.press("/")
    page.keyboard.type("oak")
    expect(lines).to_have_count(2)
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/facts/Oak%20Ltd")
    expect(page.locator("svg[data-neighbours='2']")).to_be_visible()


def test_an_entity_has_its_neighbours_and_its_history(known, visit):
    """Now, on a day, and ever; a press in the drawing leads on, and why tells the source."""
    page = visit(f"{known.at}/facts/Ann%20Ash")
    live(page)
    facts = page.locator("[data-fact-id]")
    expect(facts).to_have_count(1)
    expect(facts.first).to_contain_text("Ann Ash works at Oak Ltd")
    page.get_by_label("History").check()
    expect(facts).to_have_count(2)
    expect(facts.nth(1)).to_contain_text("2019-01-01 to 2024-03-01")
    page.get_by_label("History").uncheck()
    page.get_by_label("True on").fill("2020-05-01")
    expect(facts.first).to_contain_text("Elm/Ltd")
    assert "at=2020-05-01" in page.url
    page.get_by_label("True on").fill("2025-05-01")
    expect(facts.first).to_contain_text("Oak Ltd")
    picture(page, "entity")
    page.locator("svg a", has_text="Oak Ltd").click()
    expect(page.get_by_role("heading", name="Oak Ltd")).to_be_visible()
    page.get_by_role("button", name="Why Oak Ltd is in Bonn").click()
    why = page.locator(".why")
    expect(why).to_contain_text("On the word of letter 7")
    expect(why).to_contain_text("“on page 3”")
    assert axe_findings(page) == []


def test_a_person_decides_about_names_and_retracts_a_source(known, visit):
    """Two near names become one; a source takes along what rests on its word, and comes back."""
    page = visit(f"{known.at}/facts/Ann%20Ash", viewport=PHONE)
    live(page)
    page.get_by_role("button", name="Ann Asch is the same").click()
    expect(page.get_by_text("Also called Ann Asch.")).to_be_visible()
    facts = page.locator("[data-fact-id]")
    expect(facts).to_have_count(3)
    page.get_by_role("button", name=re.compile("^Why Ann Asch owns")).click()
    page.get_by_role("button", name="Retract all of Mara").click()
    expect(facts).to_have_count(2)
    assert not is_wider_than_its_window(page)
    page.get_by_label("History").check()
    expect(page.locator(".why")).to_contain_text("with all of Mara")
    page.get_by_role("button", name="Restore all of Mara").click()
    expect(page.locator(".why")).to_contain_text("restored")
    assert axe_findings(page) == []
    assert [each["source"] for each in q.facts_about("Ann Asch")["facts"]].count("Mara") == 2
