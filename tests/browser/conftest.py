"""The page in a real Chromium, beside a real worker on a real port."""

import os
import re
import shutil
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import queue_imp as q
from tests.browser.looking import DEADLINE_MS, DESK
from tests.browser.served import App
from tests.support.proxies.servers import NAME

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
]  # fmt: skip
_ONE_TRY_S = "3600"
"""So long waits a failed tick for its next try: who retries goes on doing so while one looks."""


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
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def app_in(folder: Path, **settings: str) -> Iterator[App]:
    """An app that others share; meanwhile the helpers look into its folder."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REINS_DATA", str(folder / "data"))
        app = App(
            folder / "data", folder / "app", REINS_HEARTBEAT_S="0.5", REINS_MAX_FAILURES="2",
            REINS_RETRY_WAIT_S=_ONE_TRY_S, REINS_RETRY_WAIT_MAX_S=_ONE_TRY_S, **settings,
        )  # fmt: skip
        yield app


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One app for all tests that bring sessions of their own names."""
    with app_in(tmp_path_factory.mktemp("shared")) as app:
        yield app
        app.end()


@pytest.fixture(scope="session")
def fleet_app(tmp_path_factory):
    with app_in(tmp_path_factory.mktemp("fleet")) as app:
        _fill(app)
    yield app
    app.end()


@pytest.fixture
def fleet(fleet_app, monkeypatch):
    """An app with few sessions, but one in every state, and with what went wrong."""
    monkeypatch.setenv("REINS_DATA", str(fleet_app.data))
    return fleet_app


def _fill(app: App) -> None:
    app.create("ada", "cats")
    app.create("grace", "compilers")
    app.create("linus", "kernels", session_id="linus-2")
    app.create_odd("mary", tick="done")
    app.create_odd("joan", "hedy")
    app.create_odd("slow", tick="slow", tick_s=3_600)
    app.create_odd("sick", "lost", tick="fail")
    app.ticked("ada", 3)
    app.ticked("hedy")
    for each in ("sick", "lost"):
        app.went_through(each, "error")
    app.applied(
        [
            q.agent_interrupt("ada", "bob", "now about dogs"),
            q.agent_pause_action("grace", "bob", "too many compilers"),
            q.agent_destroy_action("hedy", "bob", "her work is done"),
            q.agent_interrupt("lost", "bob", {"subject": "a second failure"}),
        ]
    )
    for each, status in (("mary", "completed"), ("grace", "paused"), ("lost", "failed")):
        app.became(each, status)
    app.rejected(q.agent_pause_action("nobody", "bob", "is there anybody?"))


@pytest.fixture
def start_app(tmp_path, monkeypatch):
    """Start `python app.py` with flags and settings in the test's own folder, or in another's."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    made: list[App] = []

    def start(*flags: str, beside: App | None = None, **settings: str | None) -> App:
        data = tmp_path / "data" if beside is None else beside.data
        app = App(data, tmp_path / f"app{len(made)}", *flags, **settings)
        made.append(app)
        return app

    yield start
    for app in made:
        app.end()


@pytest.fixture(scope="session")
def contexts(browser: Browser):
    """Contexts that are free, by their options: a new one knows no file of the page yet."""
    return defaultdict(list)


def _leave(page: Page, host: str) -> BrowserContext:
    """Close a page; its context remembers nothing of it but the files."""
    context = page.context
    of_host = {"origin": host, "storageTypes": "local_storage"}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", of_host)
    for each in context.pages:
        each.close()
    context.clear_cookies()  # last: a page that is open still asks with them
    context.set_offline(offline=False)
    return context


@pytest.fixture
def visit(browser: Browser, contexts):
    """Open a page; at the end, nothing it said was an error and no other host was asked."""
    opened: list[tuple[list[BrowserContext], Page, str]] = []
    faults: list[str] = []

    def open_page(
        url: str, *, expected: tuple[str, ...] = (), actor: str | None = "ann", **options
    ) -> Page:
        options = {"viewport": DESK, "color_scheme": "light", "reduced_motion": "reduce", **options}
        free = contexts[repr(sorted(options.items()))]
        page = (free.pop() if free else browser.new_context(**options)).new_page()
        host = re.match(r"https?://[^/]+", url)[0]
        opened.append((free, page, host))

        def said(message) -> None:
            if message.type in ("error", "warning") and not any(
                part in message.text for part in expected
            ):
                faults.append(f"{message.type}: {message.text} {message.location}")

        def asked(request) -> None:
            if not request.url.startswith((host, "data:", "blob:", host.replace("http", "ws", 1))):
                faults.append(f"asked another host: {request.url}")

        if actor is not None:  # without, the first act asks for a name
            key = "'reins.actor'"
            kept = f"localStorage.getItem({key}) ?? localStorage.setItem({key}, '{actor}')"
            page.add_init_script(kept)
        page.on("console", said)
        page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
        page.on("request", asked)
        page.goto(url)
        return page

    yield open_page
    for free, page, host in opened:
        free.append(_leave(page, host))
    assert not faults, faults
