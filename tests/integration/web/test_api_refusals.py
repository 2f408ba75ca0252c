"""What is not understood: each in the right form, nothing enqueued, the service goes on."""

import http.client
import json

import pytest

from reins.web.api import context as parts
from store.errors import StoreError
from store.queue.writer import QueueWriter

ANN = {"actor": "ann"}
RELOAD = "/api/environment/reload"


def deep(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"not json", 400),
        (b'{"actor": NaN}', 400),
        (b'{"actor": Infinity}', 400),
        (b'{"actor": 1e999}', 400),
        (b'{"actor": "\\ud800"}', 400),
        (b'{"actor": "\xff"}', 400),
        (b'\xef\xbb\xbf{"actor": "ann"}', 400),
        (f'{{"actor": {deep(2_000)}}}'.encode(), 400),
        (f'{{"actor": {deep(900)}}}'.encode(), 422),
        (f'{{"actor": {deep(70)}}}'.encode(), 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"{\\"actor\\": \\"ann\\"}"', 422),
        (b"{}", 422),
        (b'{"actor": ""}', 422),
        (b'{"actor": "a\\u0000b"}', 422),
        (b'{"actor": "ann", "x": 1}', 422),
        (b'{"actor": 123456789012345678901234567890}', 422),
        (b'{"actor": {"a": 1}}', 422),
    ],
)
def test_a_body_that_is_not_understood(idle, body, status):
    """400 where it is no JSON, 422 where it is not what was expected."""
    answer = idle.ask("POST", RELOAD, data=body, content_type="application/json")
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.json["detail"]
    assert idle.actions() == []


@pytest.mark.parametrize(
    "given", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"]
)
def test_a_body_of_another_type_is_refused(idle, given):
    """415, so that no form of another site is taken for a request."""
    answer = idle.ask("POST", RELOAD, data=json.dumps(ANN), content_type=given)
    assert answer.status_code == 415
    assert "application/json" in answer.json["detail"]
    assert idle.actions() == []


def test_a_content_type_with_parameters_is_taken(idle):
    """As some clients send it."""
    kind = "application/json; charset=utf-8"
    assert idle.ask("POST", RELOAD, data=json.dumps(ANN), content_type=kind).status_code == 202


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=5001", "limit=ten", "limit=1.0", "limit=1e3", "limit=%2B5",
        "limit=", "limit=99999999999999999999", "limit=1&limit=2", "limt=5", "status=banana",
        "status=running,", "cursor=x", "cursor=W10", "cursor=WyJhIl0", "cursor=%FF", "cursor=é",
        "cursor=WzEsMl0", "status=%00",
    ],
)  # fmt: skip
def test_a_query_that_is_not_understood(idle, query):
    """422 that names the parameter."""
    problem = idle.get(f"/api/sessions?{query}", 422)
    assert problem["problems"][0]["where"] == f"query.{query.partition('=')[0]}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/sessions/c/steps?after_seq=-1", 422),
        ("/api/sessions/c/steps?brief=yes", 422),
        ("/api/sessions/c/steps?after_seq=99999999999999999999", 422),
        ("/api/sessions/c/steps/0", 422),
        ("/api/sessions/c/steps/x", 422),
        ("/api/sessions/c/steps/1.5", 422),
        ("/api/sessions/a%00b", 422),
        ("/api/sessions/%FF", 422),
        ("/api/sessions/%ED%A0%80", 422),
        (f"/api/sessions/{'x' * 257}", 422),
        ("/api/actions/a%0Ab", 422),
        ("/api/actions?state=done", 422),
        ("/api/actions?cursor=WyJhIiwiYiJd", 422),
        ("/api/conversations?cursor=1", 422),
        ("/api/conversations/x/messages?after=x", 422),
        ("/api/health?x=1", 422),
        ("/api/actions/act_0", 404),
        ("/api/sessions/", 404),
        ("/api//sessions", 404),
        ("/api/sessions/c/", 404),
        ("/api/sessions/c/steps/1/2", 404),
        ("/api/", 404),
        ("/api/../app.py", 404),
        ("/assets/..%2F..%2Fpage.py", 404),
        ("/assets/../../page.py", 404),
        ("/nothing.txt", 404),
        ("/health/nothing", 404),
    ],
)
def test_an_address_that_is_not_understood(idle, path, status):
    """422 where a part of it cannot be, 404 where there is nothing; never a redirect."""
    problem = idle.get(path, status)
    assert problem["status"] == status
    assert problem["detail"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_is_not_for_it(idle, method):
    """405, with those that are."""
    answer = idle.ask(method, "/api/sessions")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert answer.mimetype == "application/problem+json"


def test_a_body_that_is_too_large(idle, port):
    """413 with the limit, whether its length was told or not."""
    body = json.dumps(ANN).encode() + b" " * 600_000
    for chunked in (False, True):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        data = iter([body]) if chunked else body
        headers = {"Content-Type": "application/json"}
        connection.request("POST", RELOAD, data, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        assert answer.status == 413
        assert answer.getheader("Content-Type") == "application/problem+json"
        assert b"524288" in answer.read()
        connection.close()
    assert idle.actions() == []


def test_a_body_in_chunks_that_are_none(idle, port):
    """400; the connection is not left hanging."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", RELOAD, b"no chunk\r\n", headers)
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"cannot be read" in answer.read()
    connection.close()
    assert idle.actions() == []


def test_a_fault_of_ours_says_so(idle, monkeypatch, capsys):
    """500 with a text for people; the traceback is in the log, not in the answer."""

    def fails(_self):
        raise ZeroDivisionError("by us")

    monkeypatch.setattr(parts.ApiContext, "current", fails)
    problem = idle.get("/api/sessions", 500)
    assert "Reins failed" in problem["detail"]
    assert "by us" not in str(problem)
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_a_store_that_cannot_says_so(idle, monkeypatch):
    """503 with the store's own words, and when to come back."""

    def fails(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(QueueWriter, "append", fails)
    answer = idle.ask("POST", RELOAD, json=ANN)
    assert answer.status_code == 503
    assert answer.json["detail"] == "the disk is full"
    assert int(answer.headers["Retry-After"]) > 0


def test_every_answer_is_kept_from_harm(idle):
    """No sniffing, no referrer, nothing from elsewhere; what the API says is not kept."""
    for path, status in (("/api/health", 200), ("/api/nothing", 404), ("/", 503)):
        answer = idle.client.get(path, base_url="http://127.0.0.1:8700")
        assert answer.status_code in (status, 200)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        if path.startswith("/api"):
            assert answer.headers["Cache-Control"] == "no-store"
        answer.close()
