"""What is sent is small where the client can read that, and the same in either case."""

import gzip

import pytest
from flask import Flask

from reins.web import page
from reins.web.http.compression import MIN_BYTES, Compression

ANN = {"actor": "ann"}
SCRIPT = b"export const words = 'the same words '\n" * 100


@pytest.fixture
def built(tmp_path):
    """The page's files as the build leaves them; of one there is no small form."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "index-1a2b.js").write_bytes(SCRIPT)
    (assets / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (assets / "index-1a2b.js.br").write_bytes(b"in brotli")
    (assets / "small-1a2b.js").write_bytes(b"export {}")
    app = Flask("page", static_folder=None)
    app.register_blueprint(page.pages(tmp_path))
    return app.test_client()


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, deflate, br", "br", b"in brotli"),
        ("gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("br;q=0, gzip;q=0.5", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("identity", None, SCRIPT),
        ("gzip;q=0", None, SCRIPT),
        ("", None, SCRIPT),
    ],
)
def test_a_file_is_served_as_its_client_can_read_it(built, accepted, coding, body):
    """Of the forms beside it the smallest; its type and how long it is kept stay its own."""
    answer = built.get("/assets/index-1a2b.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == coding
    assert answer.data[10:] == body[10:], "the first bytes of gzip hold a time"
    assert answer.mimetype == "text/javascript"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Vary"] == "Accept-Encoding"
    answer.close()


def test_a_file_without_a_small_form_is_served_as_it_is(built):
    """Compressed, it would be larger."""
    answer = built.get("/assets/small-1a2b.js", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == b"export {}"
    answer.close()


def _get(client, url, accepted="gzip"):
    return client.get(url, headers={"Accept-Encoding": accepted, "Host": "localhost"})


def test_a_long_answer_of_the_api_is_sent_in_gzip(idle):
    """The same JSON in less; one that fits into a packet, and one for others, is left alone."""
    client = idle.client
    plain = _get(client, "/api/openapi.json", "identity")
    packed = _get(client, "/api/openapi.json")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 5
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding, Sec-Fetch-Site"
    short = _get(client, "/api/health")
    assert len(short.data) < MIN_BYTES
    assert "Content-Encoding" not in short.headers


@pytest.mark.parametrize(
    ("site", "coding"),
    [("cross-site", None), ("same-site", None), ("same-origin", "gzip"), ("none", "gzip")],
)
def test_what_a_page_of_another_site_asks_for_is_as_long_as_it_is(idle, site, coding):
    """A link carries the cookie, which is Lax: the size of an answer may not tell what is in it."""
    asked = {"Accept-Encoding": "gzip", "Host": "localhost", "Sec-Fetch-Site": site}
    answer = idle.client.get("/api/openapi.json", headers=asked)
    assert answer.headers.get("Content-Encoding") == coding


@pytest.mark.parametrize(("at_once", "coding"), [(1, "gzip"), (0, None)])
def test_a_large_answer_that_has_no_turn_is_sent_as_it_is(at_once, coding):
    """So many at a time; nobody waits."""
    app = Flask("large", static_folder=None)
    app.after_request(Compression(at_once))
    app.get("/")(lambda: {"words": ["the same words"] * 10_000})
    for _ in range(2):
        assert _get(app.test_client(), "/").headers.get("Content-Encoding") == coding


def test_a_stream_is_not_held_back(api):
    """Server-sent events come as they are, whatever the client could read."""
    api.done("/api/sessions", {"agent_id": "c", "agent_type": "odd", **ANN})
    answer = _get(api.client, "/api/sessions/c/events")
    assert "Content-Encoding" not in answer.headers
    assert next(iter(answer.response))
    answer.close()
