"""The page of the search where no index is kept: as the settings are by themselves."""

from playwright.sync_api import expect


def test_without_an_index_it_says_so(shared, visit):
    """And finds all the same."""
    shared.create("search-off", "otters", config={"heartbeat_s": 3_600})
    shared.ticked("search-off")
    page = visit(f"{shared.at}/search?q=otters+agent:search-off")
    expect(page.locator("main [data-hit]")).not_to_have_count(0)
    expect(page.get_by_text("There is no index")).to_be_visible()
