"""Pages of other sites: a link to a session opens it, and nothing else of theirs gets through."""

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.looking import live

TOKEN = "a token / of more than 16 characters?"
_PAGE = """<!doctype html>
<title>Another site</title>
<a href="{at}/sessions/ada">Look at ada</a>
<form method="post" enctype="text/plain" action="{at}/api/sessions/ada/pause">
<input name='{{"actor": "eve", "x": "' value='"}}'><button>Win</button></form>
"""
_FETCH = """([url, method, kind]) => fetch(url, {
  method, mode: 'no-cors', credentials: 'include',
  ...(method === 'POST' ? {headers: {'Content-Type': kind}, body: '{"actor": "eve"}'} : {}),
}).then(answer => answer.type, error => 'failed')"""
_SOCKET = """url => new Promise(resolve => {
  const socket = new WebSocket(url)
  socket.onopen = () => resolve('open')
  socket.onerror = () => resolve('refused')
})"""
_SCRIPT = """url => new Promise(resolve => {
  const script = document.createElement('script')
  script.onload = () => resolve('loaded')
  script.onerror = () => resolve('refused')
  script.src = url
  document.body.append(script)
})"""


@pytest.fixture
def another_site():
    """Serves a page at a name that browsers take for another site than 127.0.0.1."""
    servers = []

    def start(at):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = _PAGE.format(at=at).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            log_message = partial(lambda *_: None)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://localhost:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def entered(start_app, browser):
    """An app, and a page of a browser that was let in there."""
    app = start_app(REINS_TOKEN=TOKEN)
    app.create("ada", "cats")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(app.worker.stdout.read_text().split(" is at ")[1].split()[0])
        live(page)
        yield app, page


def test_a_link_on_another_site_opens_the_session(entered, another_site):
    """Who was let in once is let in by a link, too, and the page lives."""
    app, page = entered
    page.goto(another_site(app.at))
    page.get_by_role("link", name="Look at ada").click()
    expect(page.get_by_role("heading", name="ada")).to_be_visible()
    live(page)
    assert page.url == app.page_of("ada")


def test_another_site_can_neither_act_nor_listen(entered, another_site):
    """Forms, fetches, scripts and sockets of its page: none has an effect, none is read."""
    app, page = entered
    page.goto(another_site(app.at))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
        page.evaluate(_FETCH, [f"{app.at}/api/sessions/ada/pause", "POST", kind])
    assert page.evaluate(_FETCH, [f"{app.at}/api/sessions", "GET", ""]) in ("opaque", "failed")
    socket = f"{app.at.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    assert page.evaluate(_SOCKET, socket) == "refused"
    polling = f"{app.at}/socket.io/?EIO=4&transport=polling&j=0"
    assert page.evaluate(_SCRIPT, polling) == "refused"
    page.get_by_role("button", name="Win").click()
    page.wait_for_load_state()
    assert page.url.startswith(app.at)
    page.goto(app.page_of("ada"))
    live(page)
    actions = page.evaluate("() => fetch('/api/actions').then(answer => answer.json())")["items"]
    assert [each["type"] for each in actions] == ["create_agent"]
