"""Addresses whose answers change: asked through the guard of the tools, and told once."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import queue_imp as q
from store import sightings
from tests.support.waiting import until_async


class Site:
    """A small server whose answer a test changes."""

    def __init__(self):
        self.status, self.body, self.asked = 200, b"one", 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked += 1
                self.send_response(site.status)
                self.send_header("Content-Length", str(len(site.body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(site.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/status"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site(woken):
    made = Site()
    inner = [f"127.0.0.1:{made.port}"]
    woken.settings = woken.settings.model_copy(update={"http_inner_hosts": inner})
    yield made
    made.close()


async def looks(site, more=2):
    at = site.asked + more
    await until_async(lambda: site.asked >= at, "it is asked again")


async def test_an_answer_that_changes_is_told(woken, site):
    """By status and content; one that stays is not."""
    await woken.agent("a", "woken", on=[f"url:{site.url} every 1s"])
    await looks(site)
    assert woken.said("@a") == []
    site.body = b"two"
    [first] = await woken.until_got("a", 1)
    assert (first["status"], first["size_bytes"], first["before"]["status"]) == (200, 3, 200)
    assert first["digest"] != first["before"]["digest"]
    site.status = 503
    got = await woken.until_got("a", 2)
    assert (got[1]["status"], got[1]["before"]["status"]) == (503, 200)
    await looks(site)
    assert len(woken.got("a")) == 2


async def test_what_changed_while_no_worker_ran_is_found(woken, site):
    await woken.agent("a", "woken", on=[f"url:{site.url} every 1h"])
    rows = lambda: [row["item"] for row in woken.store.reader.newest(sightings.TABLE)]  # noqa: E731
    await until_async(lambda: "" in rows(), "the first answer is on record")
    await woken.again()
    await until_async(lambda: site.asked == 2, "it is asked at a start")
    await woken.stop()
    site.body = b"two"
    await woken.start()
    [got] = await woken.until_got("a", 1)
    assert got["digest"] != got["before"]["digest"]


async def test_a_server_that_is_away_is_told(woken, site):
    """Once, and once that it is back."""
    await woken.agent("a", "woken", on=[f"url:{site.url} every 1s"], since="all")
    await woken.until_got("a", 1)
    site.server.shutdown()
    site.server.server_close()
    got = await woken.until_got("a", 2)
    assert (got[1]["status"], got[1]["before"]["status"]) == (None, 200)
    assert got[1]["error"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1/", "is not asked"),
        ("http://169.254.169.254/latest", "inside of this network"),
        ("http://me:secret@example.org/", "a user or a password"),
        ("ftp://example.org/", "expected url:"),
    ],
)
async def test_what_no_tool_may_ask_is_refused(woken, url, why):
    got = await woken.do(
        q.agent_create, "a", "ann", agent_type="woken", config={"on": [f"url:{url} every 5m"]}
    )
    assert got["outcome"] == "rejected"
    assert why in got["error"]
