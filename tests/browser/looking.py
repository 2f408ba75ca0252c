"""What a test sees of the page: rows, focus, pictures, and what axe finds."""

import re
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect

from tests.support.waiting import until
from tests.support.worker import ROOT

ARTEFACTS = ROOT / "test-artifacts"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TALL = {"width": 1280, "height": 4_000}
"""A whole log in sight: of a virtual list only what is in sight exists."""
DEADLINE_MS = 20_000

MOST_SHIFT = 0.02
NARROW_SHIFT = 0.03
"""Of the layout, where nobody has touched anything; on a phone and at 200 % zoom a line is more."""
_COUNT_SHIFTS = """
  globalThis.shifted = []
  new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) shifted.push({
      value: each.value,
      at: each.sources.slice(0, 3).map(({ node, previousRect, currentRect }) =>
        `${node?.nodeName}.${node?.className ?? ''} ${previousRect.y}-${currentRect.y}`),
    })
  }).observe({ type: 'layout-shift', buffered: true })
"""
_FOCUS = """() => {
  const at = document.activeElement
  if (!at || at === document.body) return null
  const style = getComputedStyle(at)
  const box = at.getBoundingClientRect()
  const lined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
  return {
    name: `${at.tagName} ${at.getAttribute('aria-label') ?? at.innerText ?? ''}`.slice(0, 60),
    visible: lined || style.boxShadow !== 'none',
    inSight: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
  }
}"""
# A region that comes with its words in it is not read out, but for an alert.
_LISTEN = """() => {
  globalThis.heard = []
  const live = '[role=status],[role=alert],[aria-live=polite],[aria-live=assertive]'
  const known = new WeakSet()
  const know = () => document.querySelectorAll(live).forEach(each => known.add(each))
  know()
  new MutationObserver(changes => {
    for (const { target } of changes) {
      const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(live)
      if (region && known.has(region)) heard.push(region.innerText.replace(/\\s+/g, ' '))
    }
    for (const each of document.querySelectorAll('[role=alert]'))
      if (!known.has(each)) heard.push(each.innerText)
    know()
  }).observe(document, { subtree: true, childList: true, characterData: true })
}"""
_AXE = "options => axe.run(document, options).then(each => each.violations)"
_SEQS = "rows => rows.map(row => Number(row.dataset.seq))"


def picture(page: Page, name: str) -> None:
    """Keep a screenshot as an artefact of the run."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=str(ARTEFACTS / f"{name}.png"), animations="disabled")


def live(page: Page) -> None:
    """Until the page hears the server."""
    expect(page.get_by_label("State of the fleet").get_by_text("live", exact=True)).to_be_visible(
        timeout=DEADLINE_MS
    )


def log_of(page: Page) -> Locator:
    return page.get_by_role("log")


def rows_of(page: Page, kind: str = "") -> Locator:
    """The rows of the open log that are in the document."""
    return log_of(page).locator(f"[data-seq]{kind and '.' + kind}")


def row_of(page: Page, seq: int) -> Locator:
    return log_of(page).locator(f'[data-seq="{seq}"]')


def seqs_of(page: Page) -> list[int]:
    return rows_of(page).evaluate_all(_SEQS)


def status_of(page: Page) -> Locator:
    """The word beside the name of the open session."""
    return page.locator("main header .status")


def focus_of(page: Page) -> dict[str, Any] | None:
    """What has the focus, and whether one sees that; None where nothing has it."""
    return page.evaluate(_FOCUS)


def is_wider_than_its_window(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def gone(page: Page, part: str) -> None:
    """Until the address no longer has `part`."""
    until(lambda: part not in page.url, f"{part} gone from {page.url}")


def count_shifts(page: Page) -> None:
    """From now on, in each document that the page opens."""
    page.add_init_script(_COUNT_SHIFTS)


def typed(field: Locator, text: str) -> None:
    """By keys, in place of what the field has: what moves after a key is the user's doing, and no
    shift; after `fill` it is one.
    """
    field.press("Control+a")
    field.press_sequentially(text)


def shifts_of(page: Page, most: float = MOST_SHIFT) -> list[str]:
    """The shifts of the layout since the document was opened, where they are too much in all."""
    found = page.evaluate("shifted")
    too_much = sum(each["value"] for each in found) >= most
    return [f"shift of {each['value']:.3f}: {each['at']}" for each in found if too_much]


def listen(page: Page) -> None:
    """Take down from now on what a screen reader would say by itself; see `heard_on`."""
    page.evaluate(_LISTEN)


def heard_on(page: Page) -> str:
    """What live regions said since `listen`, a line for each change."""
    return "\n".join(page.evaluate("heard"))


def axe_findings(page: Page, *rules: str) -> list[str]:
    """What axe finds, each with the elements; by all its `rules`."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE_SCRIPT)
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate(_AXE, {"resultTypes": ["violations"], **only})
    return [
        f"{each['id']}: {each['help']}: "
        + ", ".join(
            f"{node['target']} {node['failureSummary'][:200]}" for node in each["nodes"][:4]
        )
        for each in found
    ]


def titled(name):
    """The title of a page's tab; how many matters need a person may stand before its name."""
    return re.compile(rf"^(\(\d+\) )?{re.escape(name)} · Reins$")
