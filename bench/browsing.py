"""Chromium in a process of its own; started by the benchmarks of the page."""

import json
import shutil
import sys
import time
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
# When each row came into the DOM: `data-seq` on it, `data-session` on it or on the log around it.
_NOTE_ROWS = """
(() => {
  const seen = (window.__seen = {});
  const note = (element) => {
    const session = element.closest("[data-session]")?.dataset.session;
    const seq = element.dataset?.seq;
    // A row of the log that is still to be fetched is there without its time.
    if (!session || !seq || !(element.dataset.session || element.querySelector("time"))) return;
    window.__first ??= performance.now();
    const times = (seen[session] ??= {});
    times[seq] ??= Date.now();
  };
  const look = (node) => {
    if (node.nodeType !== 1) return;
    const around = node.closest("[data-seq]");
    if (around) note(around);
    node.querySelectorAll("[data-seq]").forEach(note);
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") note(change.target);
      else change.addedNodes.forEach(look);
    }
  }).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-seq"],
  });
})();
"""
_FRAMES = """
(seconds) => new Promise((done) => {
  let frames = 0, longest = 0, last = performance.now();
  const ends = last + seconds * 1000;
  const frame = (now) => {
    frames += 1;
    longest = Math.max(longest, now - last);
    last = now;
    if (now < ends) requestAnimationFrame(frame);
    else done({ frames_per_s: frames / seconds, longest_ms: longest });
  };
  requestAnimationFrame(frame);
})
"""


def watch(open_page: Any, *, url: str, seconds: float, warm_up_s: float) -> Any:
    """Rows and when they came into the DOM, on the list and on one session's page."""
    pages = {"list": open_page(f"{url}/sessions"), "session": open_page(f"{url}/sessions/agent-7")}
    for page in pages.values():
        page.wait_for_selector("[data-seq]")
    time.sleep(warm_up_s)  # Chromium's own start takes the machine for a while
    for page in pages.values():
        page.evaluate("() => { for (const s in window.__seen) window.__seen[s] = {}; }")
        _forget_present(page)
    time.sleep(seconds)
    return {name: page.evaluate("() => window.__seen") for name, page in pages.items()}


def _forget_present(page: Page) -> None:
    """Rows that are there when the watch begins are not counted when they are drawn again."""
    page.evaluate(
        """() => document.querySelectorAll("[data-seq]").forEach((element) => {
            const session = element.closest("[data-session]").dataset.session;
            (window.__seen[session] ??= {})[element.dataset.seq] = 0;
        })"""
    )


def load(open_page: Any, *, url: str, minutes: float, frames_s: float) -> Any:
    """How soon rows are there, frames a second, and the page's memory over some minutes."""
    began = time.perf_counter()
    page = open_page(url)
    page.wait_for_function("() => window.__first")  # a row, not only a place kept for one
    usable_ms = page.evaluate("() => window.__first")
    whole_ms = (time.perf_counter() - began) * 1_000
    devtools = page.context.new_cdp_session(page)
    time.sleep(3.0)
    frames = page.evaluate(_FRAMES, frames_s)
    memory = []
    for _ in range(11):
        memory.append(_heap_mib(devtools))
        time.sleep(minutes * 6)
    return {
        "usable_ms": round(usable_ms),
        "with_navigation_ms": round(whole_ms),
        "frames_per_s": round(frames["frames_per_s"], 1),
        "longest_frame_ms": round(frames["longest_ms"], 1),
        "heap_mib": memory,
        "nodes": page.evaluate("() => document.querySelectorAll('*').length"),
    }


def _heap_mib(devtools: CDPSession) -> float:
    devtools.send("HeapProfiler.collectGarbage")
    used = devtools.send("Runtime.getHeapUsage")["usedSize"]
    return round(used / 2**20, 1)


def main(*, act: str, **arguments: Any) -> Any:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=_FLAGS
        )

        def open_page(url: str) -> Page:
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            context.add_init_script(_NOTE_ROWS)
            page = context.new_page()
            page.goto(url)
            return page

        found = {"watch": watch, "load": load}[act](open_page, **arguments)
        browser.close()
    return found


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
