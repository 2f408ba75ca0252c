"""The page in a real Chromium, beside a real worker on a real port."""

import os
import re
import shutil
import warnings
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import queue_imp as q
from tests.waiting import until
from tests.worker import ROOT, Worker

ARTEFACTS = ROOT / "test-artifacts"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium():
    """Path of a Chromium; without one these tests are skipped aloud, or fail where it is a must."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        why = "no Chromium was found: install Debian's package chromium"
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail(why)
        warnings.filterwarnings("default", message=why)
        warnings.warn(why, stacklevel=1)
        pytest.skip(why)
    return found


@pytest.fixture(scope="session")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


class App:
    """One `python app.py`, and the helpers' way into its data folder."""

    def __init__(self, data: Path, logs: Path, *flags: str, **settings: str | None) -> None:
        self.data = data
        self.worker = Worker(
            data, logs, "app.py", "--data", str(data), *(flags or ("--port", "0")),
            settings=settings,
        )  # fmt: skip
        self.at = until(self._address, "its address")

    def _address(self) -> str:
        assert self.worker.process.poll() is None, self.worker.stderr.read_text()
        found = re.search(r"http://\S+?:\d+", self.worker.stdout.read_text())
        return found[0] if found else ""

    @property
    def port(self) -> str:
        return self.at.rsplit(":", 1)[1]

    def create(self, agent_id: str, **more) -> None:
        receipt = q.wait_for_action(q.agent_create(agent_id, "ann", **more))
        assert receipt["outcome"] == "applied", receipt


@pytest.fixture
def start_app(data, tmp_path):
    """Start `python app.py` with flags and settings; it is ended after the test."""
    made: list[App] = []

    def start(*flags: str, **settings: str | None) -> App:
        app = App(data, tmp_path / f"app{len(made)}", *flags, **settings)
        made.append(app)
        return app

    yield start
    for app in made:
        app.worker.__exit__()


@pytest.fixture
def app(start_app):
    return start_app(REINS_HEARTBEAT_S="0.5")


@pytest.fixture
def visit(browser: Browser):
    """Open a page; at the end, nothing it said was an error and no other host was asked."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(url: str, *, expected: tuple[str, ...] = (), **options) -> Page:
        context = browser.new_context(**{"viewport": DESK, "color_scheme": "light", **options})
        contexts.append(context)
        page = context.new_page()
        host = re.match(r"http://[^/]+", url)[0]

        def said(message) -> None:
            if message.type in ("error", "warning") and not any(
                part in message.text for part in expected
            ):
                faults.append(f"{message.type}: {message.text}")

        page.on("console", said)
        page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((host, "data:", "blob:", host.replace("http", "ws")))
                or faults.append(f"asked another host: {request.url}")
            ),
        )
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


def picture(page: Page, name: str) -> None:
    """Keep a screenshot as an artefact of the run."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=str(ARTEFACTS / f"{name}.png"))
