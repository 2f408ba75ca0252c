"""The page behind proxies: under a path, over TLS, and where no WebSocket is passed on."""

import re

import pytest
from playwright.sync_api import expect

import queue_imp as q
from tests.browser.looking import TALL, live, rows_of, status_of
from tests.support.proxies.servers import NAME, free_port, nginx, stunnel

TOKEN = "a token / of more than 16 characters?"
CUT_OFF = ("WebSocket", "Failed to load resource")
_PLAIN = """
map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
server {{
    listen 127.0.0.1:{port};
    location {at} {{
        proxy_pass http://127.0.0.1:{upstream}{path};
        proxy_http_version 1.1;
        proxy_set_header Host {host};
        proxy_buffering off;
        {more}
    }}
}}
"""
_UPGRADE = """
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
"""


@pytest.fixture
def behind(tmp_path):
    """nginx before an app; returns the address at which a browser finds it."""
    running = []

    def start(app, *, at="/", path="", more=_UPGRADE, host="$http_host"):
        port = free_port()
        body = _PLAIN.format(port=port, at=at, path=path, upstream=app.port, more=more, host=host)
        running.append(nginx(tmp_path / f"nginx{len(running)}", port, body).__enter__())
        return f"http://127.0.0.1:{port}{at}"

    yield start
    for each in running:
        each.__exit__()


@pytest.mark.parametrize(
    ("path", "prefix"),
    [("/", None), ("/", "/reins"), ("", "/reins")],
    ids=["taken off, and nobody says so", "taken off, told", "left on"],
)
def test_under_a_path(start_app, behind, visit, path, prefix):
    """The page opens anywhere under it, lives, leads on, acts, and loads again."""
    app = start_app(REINS_PATH_PREFIX=prefix, REINS_TOKEN=TOKEN)
    printed = app.worker.stdout.read_text().split(" is at ")[1]
    assert printed.startswith(f"{app.at}{prefix or ''}/?token=")
    app.create("ada", "cats")
    at = behind(app, at="/reins/", path=path)
    page = visit(f"{at}sessions/ada", expected=("401",))
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Open Reins").click()
    expect(page.get_by_role("heading", name="ada")).to_be_visible()
    live(page)
    assert page.url == f"{at}sessions/ada"

    page.get_by_role("button", name="Pause").click()
    expect(status_of(page)).to_have_text("paused")
    for name in ("Queue", "Conversations", "Attention", "System", "Sessions"):
        page.get_by_role("navigation").get_by_role("link", name=name).first.click()
        expect(page).to_have_url(f"{at}{name.lower()}")
    page.get_by_role("grid", name="Sessions").get_by_role("link", name="ada").click()
    expect(page).to_have_url(f"{at}sessions/ada")
    page.reload()
    live(page)
    hrefs = page.get_by_role("link").evaluate_all("all => all.map(each => each.href)")
    assert [each for each in hrefs if not each.startswith((at, f"{page.url}#"))] == []
    page.go_back()
    expect(page).to_have_url(f"{at}sessions")
    page.goto(at)
    live(page)
    expect(page.get_by_role("grid", name="Sessions")).to_be_visible()


@pytest.fixture
def over_tls(tmp_path):
    """stunnel before an app; returns the address at which a browser finds it."""
    running = []

    def start(app):
        port = free_port()
        running.append(stunnel(tmp_path / "stunnel", port, int(app.port)).__enter__())
        return f"https://{NAME}:{port}/"

    yield start
    for each in running:
        each.__exit__()


def test_over_tls(start_app, over_tls, visit):
    """A plain terminator of TLS: the page lives and acts."""
    app = start_app(REINS_ALLOWED_HOSTS=f'["{NAME}"]')
    app.create("ada", "cats")
    page = visit(f"{over_tls(app)}sessions/ada", ignore_https_errors=True)
    live(page)
    page.get_by_role("button", name="Pause").click()
    expect(status_of(page)).to_have_text("paused")


def test_without_websockets_the_page_asks_and_says_why(start_app, behind, visit):
    """What others do is seen within seconds, acts land, and the reason stands on the page; a
    server that goes and comes again is told as ever.
    """
    app = start_app(REINS_HEARTBEAT_S="0.5")
    app.create("ada", "cats")
    at = behind(app, more="")
    page = visit(f"{at}sessions/ada", viewport=TALL, expected=CUT_OFF)
    strip = page.get_by_label("State of the fleet")
    expect(strip.get_by_text("polling", exact=True)).to_be_visible()
    expect(page.get_by_text("No live connection")).to_contain_text("does not pass WebSocket on")
    shown = rows_of(page, "tick").count()
    expect(rows_of(page, "tick").nth(shown + 3)).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(status_of(page)).to_have_text("paused")

    app.create_odd("grace")
    app.applied([q.conversation_create("tea", "ann", "About tea")])
    page.get_by_role("navigation").get_by_role("link", name="Sessions", exact=True).click()
    expect(page.get_by_role("link", name="grace")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Queue").click()
    expect(page.get_by_role("row").filter(has_text="New conversation")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Conversations").click()
    page.get_by_role("link", name="About tea").click()
    app.applied([q.post_message("tea", "bob", "Is there any left?")])
    expect(page.get_by_text("Is there any left?")).to_be_visible()

    app.worker.kill()
    expect(page.get_by_text(re.compile("Disconnected since"))).to_be_visible()
    app.start_again()
    expect(strip.get_by_text("polling", exact=True)).to_be_visible()


def test_a_socket_that_the_server_refuses_is_told_with_its_reason(start_app, behind, visit):
    """The proxy drops the port of the Host: what Reins says of it stands on the page."""
    app = start_app()
    at = behind(app, host="$host")
    page = visit(f"{at}sessions", expected=CUT_OFF)
    reason = page.get_by_text("No live connection")
    expect(reason).to_contain_text("a page of another site may not do this")
    expect(reason).to_contain_text("Host is '127.0.0.1'; expected")
