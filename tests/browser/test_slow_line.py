"""On a line of 50 KB/s the page is readable soon, and no sum of a part is shown as one of all."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import live
from tests.support.waiting import until

BYTES_PER_S = 50_000
LATENCY_MS = 40
MOST_BYTES = 64_000
"""Before the first line, headers left out; 75 KB are all that comes in 1.5 s."""
ALLOWANCE = 4
"""So many times what the line alone takes: the processors here have other work, too."""
SESSIONS = 120
WHOLE = re.compile(r"/api/sessions\?limit=5000")
_NOTE_FIRST_LINE = """(() => {
  const look = () => {
    if (document.querySelector('[role=grid] a')) globalThis.firstLineAt = performance.now()
    else requestAnimationFrame(look)
  }
  look()
})()"""
_BYTES = """['resource', 'navigation'].flatMap(each => performance.getEntriesByType(each))
  .filter(each => each.responseEnd <= globalThis.firstLineAt)
  .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
_TRIES = 8
"""Loads, of which one is to be small enough: a busy machine shows late what was there in time."""


@pytest.fixture(scope="module")
def crowd(shared):
    """So many sessions that the list has a second part."""
    shared.create_odd(*(f"line-{number:03}" for number in range(SESSIONS)))
    return shared


def _slow(page: Page) -> None:
    """From now on, the line of this page, which knows none of its files any more."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.clearBrowserCache")
    line = {"latency": LATENCY_MS, "downloadThroughput": BYTES_PER_S}
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "uploadThroughput": BYTES_PER_S, **line},
    )


def test_the_list_is_readable_as_soon_as_the_line_allows(crowd, visit):
    """Little is sent before its first lines, and they are shown once that is there."""
    page = visit(crowd.at)
    live(page)
    _slow(page)
    page.add_init_script(_NOTE_FIRST_LINE)
    loads = (_loaded(page) for _ in range(_TRIES))
    small = next((each for each in loads if each[0] < MOST_BYTES), None)
    assert small is not None, f"each of {_TRIES} loads brought {MOST_BYTES} bytes or more"
    size_bytes, took_ms = small
    line_ms = 1_000 * size_bytes / BYTES_PER_S + 6 * LATENCY_MS
    assert size_bytes > 20_000
    assert took_ms < ALLOWANCE * line_ms, (took_ms, size_bytes)
    live(page)
    expect(_lines(page)).to_have_attribute("aria-rowcount", re.compile(r"\d{3}"))


def _loaded(page: Page) -> tuple[int, float]:
    """Bytes that came before the first line, and the milliseconds that it took."""
    page.reload()
    took_ms = until(lambda: page.evaluate("globalThis.firstLineAt"), "the first line of the list")
    return page.evaluate(_BYTES), took_ms


def _lines(page: Page):
    return page.get_by_role("grid", name="Sessions")


def test_a_dash_stands_for_what_is_not_known_yet(crowd, visit):
    """The first lines come before the whole list; until that is here, no sum is shown."""
    page = visit(crowd.at)
    live(page)
    held = []

    def hold(route):
        held.append(route)

    page.route(WHOLE, hold)
    page.reload()
    expect(_lines(page).get_by_role("link").first).to_be_visible()
    expect(page.locator(".list-bar .count")).to_have_text("\N{EN DASH}")
    expect(page.locator(".list-bar .totals")).to_have_count(0)
    until(lambda: page.wait_for_timeout(20) or held, "the whole list asked for")
    for route in held:
        route.continue_()
    expect(page.locator(".list-bar .count")).to_have_text(re.compile(r"^\d+$"))
    expect(_lines(page)).to_have_attribute("aria-rowcount", re.compile(r"\d{3}"))
