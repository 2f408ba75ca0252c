"""Takes the README's pictures of the page anew: `make pictures`, which runs this module.

Each shows a real app with real sessions. The models that fail are servers on loopback that do.
"""

import asyncio
import base64
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

import queue_imp as q
from tests.browser.looking import live, rows_of
from tests.browser.served import App
from tests.browser.talking import messages_of
from tests.support.model_stub import ModelStub, Reply, fails, never
from tests.support.program import ROOT
from tests.support.waiting import until

FOLDER = ROOT / "docs" / "pictures"
SIZE = {"width": 1200, "height": 720}
QUALITY = 85
"""Of WebP; text stays sharp, and a picture of the page has some 60 KB."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MODELS = """
default = "offline"

[routes.broken]
provider = "compatible"
model = "large"
base_url = "{broken}/v1"
attempts = 1

[routes.slow]
provider = "compatible"
model = "slow"
base_url = "{slow}/v1"
attempts = 1
"""
WELL = ("search", "mailer", "digest", "reviewer", "translator", "planner", "watcher", "writer")
SUBJECTS = ("cats", "compilers", "tea", "owls", "bridges", "maps", "clocks", "rain")
FAILING, HELD = 9, 5
TONES = {"Mara": "noir", "Finn": "pirate", "Otto": "professor"}
ADDRESSES = {
    "fleet": "/sessions?sort=status",
    "session": "/sessions/reviewer-1",
    "talk": "/conversations/checkout",
}


@contextmanager
def served(**replies: Reply) -> Iterator[dict[str, str]]:
    """A model's server for each reply, in a thread; their addresses by name."""
    ready, over = threading.Event(), threading.Event()
    found: dict[str, str] = {}

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            for name, reply in replies.items():
                group.create_task(one(name, reply))

    async def one(name: str, reply: Reply) -> None:
        async with ModelStub(default=reply) as stub:
            found[name] = stub.address
            if len(found) == len(replies):
                ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait(10)
    try:
        yield found
    finally:
        over.set()
        thread.join()


def bad_day(app: App) -> None:
    """Most are well; some fail at one cause, some are held at another, and one hangs."""
    well = [f"{name}-{number}" for number in (1, 2, 3) for name in WELL]
    created = [
        q.agent_create(name, "ann", SUBJECTS[index % len(SUBJECTS)])
        for index, name in enumerate(well)
    ]
    created += [
        q.agent_create(f"checkout-{number:02}", "deploy-bot", "carts", config={"route": "broken"})
        for number in range(1, FAILING + 1)
    ]
    created += [
        q.agent_create(
            f"billing-{number}", "deploy-bot", "invoices",
            config={"budget": {"session": {"ticks": 2}}},
        )
        for number in range(1, HELD + 1)
    ]  # fmt: skip
    created.append(q.agent_create("billing-stuck", "deploy-bot", "sums", config={"route": "slow"}))
    app.applied(created)
    app.ticked(well[-1], 2)
    for number in range(1, FAILING + 1):
        until(lambda name=f"checkout-{number:02}": app.now(name)["waits"], "a failed call", 60)
    for number in range(1, HELD + 1):
        app.became(f"billing-{number}", "paused")


def steered(app: App) -> None:
    """A session that was told something, paused and resumed."""
    app.ticked("reviewer-1", 3)
    app.applied([q.agent_interrupt("reviewer-1", "bob", "now about dogs")])
    ticks = app.ticked("reviewer-1")
    app.ticked("reviewer-1", ticks + 2)
    app.applied([q.agent_pause_action("reviewer-1", "ann", "lunch")])
    app.became("reviewer-1", "paused")
    app.applied([q.agent_resume_action("reviewer-1", "ann")])
    app.ticked("reviewer-1", ticks + 4)


def talked(app: App, page: Page) -> None:
    """Three personas, and a person who asks them."""
    app.applied([q.conversation_create("checkout", "ann", "What broke checkout?")])
    app.applied(
        [
            q.agent_create(
                name.lower(), "ann", agent_type="persona",
                config={"name": name, "tone": tone, "conversation_id": "checkout", "cooldown_s": 1},
            )
            for name, tone in TONES.items()
        ]
    )  # fmt: skip
    app.applied([q.post_message("checkout", "ann", "What broke checkout?")])
    page.goto(app.at + ADDRESSES["talk"])
    expect(messages_of(page).nth(5)).to_be_visible()


def taken(page: Page, name: str) -> None:
    """The page as it is, in WebP."""
    live(page)
    page.wait_for_timeout(1_500)  # numbers and sparklines settle
    shot = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY}
    )
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


def take_all(browser: Browser, app: App) -> None:
    pages = {
        theme: browser.new_context(
            viewport=SIZE, color_scheme=theme, reduced_motion="reduce"
        ).new_page()
        for theme in ("light", "dark")
    }
    bad_day(app)
    for theme, page in pages.items():
        page.goto(app.at + ADDRESSES["fleet"])
        taken(page, f"fleet-{theme}")
    steered(app)
    for theme, page in pages.items():
        page.goto(app.at + ADDRESSES["session"])
        rows_of(page, "guidance").first.click()
        taken(page, f"session-{theme}")
    talked(app, pages["light"])
    for theme, page in pages.items():
        page.goto(app.at + ADDRESSES["talk"])
        expect(messages_of(page).nth(3)).to_be_visible()
        taken(page, f"conversation-{theme}")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(broken=fails(500), slow=never) as models,
        sync_playwright() as playwright,
    ):
        data = Path(folder) / "data"
        os.environ["REINS_DATA"] = str(data)
        (Path(folder) / "models.toml").write_text(MODELS.format(**models))
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        app = App(
            data, Path(folder) / "app",
            REINS_HEARTBEAT_S="2", REINS_MODELS=str(Path(folder) / "models.toml"),
        )  # fmt: skip
        try:
            take_all(browser, app)
        finally:
            app.end()
            browser.close()


if __name__ == "__main__":
    main()
