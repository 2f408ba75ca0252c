"""The pages of documents: added, read at a passage, with who cites it, and removed."""

import json

import pytest
from playwright.sync_api import expect

import queue_imp as q
from agent_core.actions.documents import document_id_of
from tests.browser.looking import PHONE, axe_findings, is_wider_than_its_window, live, picture
from tests.browser.served import App

TEA = "# Tea\n\nGreen tea 🍵 is not fermented.\n\n## Prices\n\nThey have doubled.\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app without documents but those of its tests."""
    folder = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REINS_DATA", str(folder / "data"))
        watched = json.dumps([str(folder / "library")])
        app = App(folder / "data", folder / "app", REINS_DOCUMENT_FOLDERS=watched)
        yield app
        app.end()


def test_a_file_is_added_read_and_removed(app, visit, tmp_path):
    """Its text comes from the file, and never runs; what is removed says so."""
    path = tmp_path / "tee.html"
    path.write_text("<h1>Grüner Tee</h1><script>alert(1)</script><p>Er ist <b>grün</b>.</p>")
    page = visit(f"{app.at}/sessions")
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/documents")
    expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()
    page.keyboard.press("c")
    form = page.get_by_role("form", name="Add documents")
    form.get_by_label("Files").set_input_files(path)
    expect(form.get_by_role("status")).to_contain_text("version 1")
    line = page.get_by_role("grid", name="Documents").locator("[data-document]")
    expect(line).to_contain_text("Grüner Tee")
    assert not axe_findings(page)
    line.get_by_role("link").click()
    text = page.get_by_role("region", name="Text of the document")
    expect(text).to_contain_text("Er ist grün.")
    expect(text).not_to_contain_text("alert")
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("removed", exact=True).first).to_be_visible()
    expect(text).to_contain_text("Er ist")


def test_a_document_shows_what_is_cited_and_by_whom(app, visit):
    """Each passage where it stands, also behind signs of two units; what is wrong says why."""
    own = document_id_of("tea")
    app.applied([q.add_document("tea", "ann", text=TEA)])
    begin = TEA.index("is not fermented")
    place = f"1:{begin}-{begin + 16}"
    said = f'They say "is not fermented" [{own}:{place}], and "It is" [{own}:1:0-2].'
    app.applied([q.conversation_create("talk", "ann")])
    app.applied([q.post_message("talk", "mara", said)])
    page = visit(f"{app.at}/documents/{own}?place={place}")
    live(page)
    expect(page.locator("mark.asked")).to_have_text("is not fermented")
    cited = page.get_by_role("region", name="Citations")
    expect(cited.locator("li")).to_have_count(2)
    expect(cited).to_contain_text("talk #1, mara")
    expect(cited.locator("li.wrong")).to_contain_text("nowhere in this version")
    picture(page, "document")
    assert not axe_findings(page)
    page.set_viewport_size(PHONE)
    assert not is_wider_than_its_window(page)
    talk = app.at + "/conversations/talk"
    page.goto(talk)
    shown = page.get_by_role("list", name="What it cites")
    expect(shown.locator("li")).to_have_count(2)
    expect(shown.locator("li").first).to_contain_text("is not fermented")
    expect(shown.locator("li.wrong")).to_contain_text("nowhere in this version")
    assert not axe_findings(page)
    shown.get_by_role("link").first.click()
    page.wait_for_url("**/documents/**")
    app.applied([q.add_document("tea", "ann", text="It is gone.")])
    page.reload()
    live(page)
    expect(page.locator("mark.asked")).to_have_text("is not fermented")
    page.get_by_label("Version").select_option("2")
    expect(page.get_by_role("region", name="Text of the document")).to_have_text("It is gone.")


def test_a_document_that_is_not_there_is_told(app, visit):
    """With the way to those that are."""
    page = visit(f"{app.at}/documents/doc_{'0' * 12}", expected=("404",))
    live(page)
    expect(page.get_by_role("heading", name="There is no such document")).to_be_visible()
    page.get_by_role("link", name="All documents").click()
    page.wait_for_url("**/documents")


def test_folders_that_are_watched_are_told(app, visit):
    """What is wrong with one, too; the documents of one come by themselves."""
    library = app.data.parent / "library"
    page = visit(f"{app.at}/documents")
    live(page)
    watched = page.get_by_role("list", name="Watched folders")
    expect(watched).to_contain_text(str(library))
    expect(watched).to_contain_text("No such file")
    page.set_viewport_size(PHONE)
    assert not is_wider_than_its_window(page)
    assert not axe_findings(page)
    library.mkdir()
    (library / "oak.md").write_text("# Oaks")
    line = page.get_by_role("grid", name="Documents").locator("[data-document]", has_text="Oaks")
    expect(line).to_contain_text("Reins", timeout=30_000)
    expect(watched).not_to_contain_text("No such file")
