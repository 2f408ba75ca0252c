"""Who may ask, from where, and how much: the guard in front of a real server."""

import itertools
import re
import socket
from urllib.parse import quote, urljoin, urlsplit

import pytest

from reins.settings import load_settings
from reins.web import guard
from tests.integration.web.serving import HANDSHAKE, SOCKET, Raw, Served, serving
from tests.support.waiting import until
from tests.support.worker import Worker

TOKEN = "t0ken-&=#%+;/with-what-needs-quoting"
names = map("a{}".format, itertools.count())


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Serves a folder without a worker, as the test asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(tmp_path_factory.mktemp("guard") / "data"))
        made = []

        def start(token=None, more=None, **settings):
            served = Served(load_settings(**settings), token=token, **(more or {}))
            made.append(served)
            return served.__enter__()

        yield start
        for served in made:
            served.__exit__()


@pytest.fixture(scope="module")
def web(serve):
    return serve(allowed_hosts=["reins.example"])


@pytest.fixture(scope="module")
def locked(serve):
    return serve(token=TOKEN)


def create():
    return {"agent_id": next(names), "config": {"subject": "cats"}, "actor": "ann"}


def problem(answer, status):
    """An answer is a problem that says what to do; nothing else of it is shown."""
    found, headers, body = answer
    assert found == status, body
    assert headers["content-type"] == "application/problem+json"
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert len(body["detail"]) > 20
    return body


def exchanged(port, request):
    """What a server says to these bytes until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        said = b""
        while more := connection.recv(65_536):
            said += more
        return said


def status_of(port, request):
    said = exchanged(port, request)
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1") else 400  # as HTTP/0.9 has it


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST:80", "[::1]:5", "reins.example"]
)
def test_hosts_that_are_served(web, host):
    assert web.ask("GET", "/api/health", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1.nip.io",
     "192.168.0.7", "a" * 5_000, "localhost.", "x@y", "reins.example.com", "[::2]", ",",
     "x@localhost", "x:y@127.0.0.1", "localhost,localhost", "localhost:", "localhost:x",
     "localhost:80:80", "localhost:99999", "localhost localhost", "localhost/", "localhost?x",
     "localhost#", "localhost\\x", "localhost\t.x"],
)  # fmt: skip
def test_hosts_that_are_not(web, host):
    """A name that was rebound to this address reaches nothing, by HTTP or by WebSocket."""
    said = problem(web.ask("GET", "/api/health", Host=host), 421)
    assert "REINS_ALLOWED_HOSTS" in said["detail"]
    assert len(said["detail"]) < 400
    with Raw(web.port, Host=host) as raw:
        assert raw.status == 421


def test_hosts_of_a_wildcard_address(serve):
    """Listening everywhere: any address will do, of names only this machine's and the listed."""
    everywhere = serve(host="0.0.0.0", allowed_hosts=["my.lan"])
    for host in ("127.0.0.1", "192.168.7.7:8700", "[fe80::1]", "localhost", "my.lan:1",
                 socket.gethostname()):  # fmt: skip
        assert everywhere.ask("GET", "/api/health", Host=host)[0] == 200, host
    for host in ("evil.example", "1.2.3.4.nip.io", ""):
        problem(everywhere.ask("GET", "/api/health", Host=host), 421)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["GET /api/health HTTP/1.1", "Host: \xff\xfe\x80"], 421),
        (["GET /api/health HTTP/1.1", "Host: [::1"], 421),
        (["GET /api/health HTTP/1.1"], 421),
        (["GET /api/health HTTP/1.0"], 421),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Host: evil.example"], 421),
        (["GET http://evil.example/api/health HTTP/1.1", "Host: localhost"], 421),
        (["GET http://[ HTTP/1.1", "Host: localhost"], 400),
        (["GET //[/x HTTP/1.1", "Host: localhost"], 200),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Content-Length: " + "9" * 500], 413),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Content-Length: " + "9" * 5_000], None),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Content-Length: -5"], 400),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Content-Length: many"], 400),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Host: localhost"], 421),
        (["POST /api/sessions HTTP/1.1", "Host: localhost", *["Content-Length: 2"] * 2], 400),
        (
            [
                "POST /api/sessions HTTP/1.1",
                "Host: localhost",
                "Content-Length: 2",
                "Content-Length: 0",
            ],
            400,
        ),
        (["POST /api/sessions HTTP/1.1", "Host: localhost", "Content-Length: 2, 2"], 400),
        (["POST /api/sessions HTTP/1.1", "Host: localhost", "Content-Length: +2"], 400),
        (
            [
                "POST /api/sessions HTTP/1.1",
                "Host: localhost",
                "Content-Length: 2",
                "Transfer-Encoding: chunked",
            ],
            400,
        ),
        (
            [
                "POST /api/sessions HTTP/1.1",
                "Host: localhost",
                "Transfer-Encoding: chunked",
                "Transfer-Encoding: identity",
            ],
            400,
        ),
        (["POST /api/sessions HTTP/1.1", "Host: localhost", "Transfer-Encoding: gzip"], 400),
        (
            ["POST /api/sessions HTTP/1.1", "Host: localhost", *["Origin: http://localhost"] * 2],
            400,
        ),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Cookie: \xff=\xfe; =;;;"], 200),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Authorization: \xff"], 200),
        (["GET /api/health HTTP/1.1", "Host: localhost", "Origin: \xff"], 200),
        (["GET /api/health HTTP/1.1", "Host: localhost", "X: \x00\x01"], 200),
        (["POST /api/sessions HTTP/1.1", "Host: localhost", "Origin: http://["], 400),
        (["GET /%ff%00%0d%0aX:y HTTP/1.1", "Host: localhost"], 200),
        (["GET /?token=%ff HTTP/1.1", "Host: localhost"], None),
        (["BREW /api/health HTTP/1.1", "Host: localhost"], 405),
        (["GET /api/health HTTP/9.9", "Host: localhost"], None),
        (["GET", "Host: localhost"], None),
        (["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], None),
        (["GET /api/health HTTP/1.1", "Host: localhost", "A" * 70_000], 431),
        (["GET /api/health HTTP/1.1", "Host: localhost", *["A: b"] * 200], 431),
        (["GET /" + "x" * 70_000 + " HTTP/1.1", "Host: localhost"], 414),
    ],
)
def test_weird_requests(web, lines, status, capfd):
    """Refused or served, never a fault of ours; no traceback."""
    request = "\r\n".join([*lines, "", ""]).encode("latin-1")
    found = status_of(web.port, request)
    assert found == status if status is not None else found < 500 or found == 505
    assert "Traceback" not in capfd.readouterr().err
    assert web.ask("GET", "/api/health")[0] == 200


def test_the_right_token_in_a_header_lets_in(locked):
    """Right: served; missing, wrong or empty: 401, which says how; for every path and method."""
    health = "/api/health"
    assert locked.ask("GET", health, Authorization=f"Bearer {TOKEN}")[0] == 200
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}x"},
                  {"Authorization": "Bearer "}, {"Authorization": f"Basic {TOKEN}"},
                  {"Cookie": "reins=x"}):  # fmt: skip
        said = problem(locked.ask("GET", health, **given), 401)
        assert "REINS_TOKEN" in said["detail"]
        assert TOKEN not in str(said)
    for method, path in (("GET", "/"), ("POST", "/api/sessions"), ("GET", "/nothing"),
                         ("GET", "/socket.io/?EIO=4&transport=polling"), ("HEAD", "/"),
                         ("OPTIONS", "/api/sessions")):  # fmt: skip
        assert locked.ask(method, path)[0] == 401, (method, path)


def test_the_token_for_sockets(locked):
    """A stranger's handshake is refused before any library sees it, and leaves no thread."""
    had = len(serving())
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"reins_{locked.port}=wrong"}):
        with Raw(locked.port, **given) as raw:
            assert raw.status == 401
    until(lambda: len(serving()) <= had)
    with Raw(locked.port, Authorization=f"Bearer {TOKEN}") as raw:
        assert raw.joined().call("subscribe_sessions", {})["ok"]


def test_the_token_in_a_link_becomes_a_cookie(locked):
    """303 to the same page without it, and a cookie that lets in; the address has no token more."""
    status, headers, _ = locked.ask("GET", f"/sessions/a?token={quote(TOKEN)}")
    assert (status, urljoin("http://x/sessions/a", headers["location"])) == (
        303,
        "http://x/sessions/a",
    )
    assert "no-store" in headers["cache-control"]
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"reins_{locked.port}=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    given = {"Cookie": cookie.split(";")[0]}
    assert locked.ask("GET", "/api/health", **given)[0] == 200
    own = f"http://127.0.0.1:{locked.port}"
    with Raw(locked.port, **given, Origin=own) as raw:
        assert raw.joined().call("subscribe_sessions", {})["ok"]
    problem(locked.ask("GET", "/api/health?token=wrong", **given), 401)
    problem(locked.ask("POST", f"/api/sessions?token={quote(TOKEN)}", create()), 401)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/%2Fevil.example", "/%5Cevil.example", "///e/x"]
)
def test_the_link_leads_nowhere_else(locked, path):
    """Where it goes on is a path here, whatever the link's is."""
    status, headers, _ = locked.ask("GET", f"{path}?token={quote(TOKEN)}")
    assert status == 303
    assert re.fullmatch(r"\./[^/\\]+", headers["location"])
    asked = f"http://127.0.0.1{path}"
    assert urlsplit(urljoin(asked, headers["location"])).netloc == "127.0.0.1"


def cookie_of(locked):
    _, headers, _ = locked.ask("GET", f"/?token={quote(TOKEN)}")
    return headers["set-cookie"].split(";")[0]


def test_pages_of_other_sites(web, locked):
    """A foreign Origin, or a request that a browser marks as another site's, may not act nor
    listen; a program without either may, a cookie without either may not.
    """
    own = f"http://127.0.0.1:{web.port}"
    for foreign in ({"Origin": "http://evil.example"}, {"Origin": "null"},
                    {"Origin": f"http://127.0.0.1:{web.port + 1}"},
                    {"Origin": "http://localhost:1"}, {"Sec_Fetch_Site": "cross-site"},
                    {"Sec_Fetch_Site": "same-site"}, {"Origin": ""}):  # fmt: skip
        said = problem(web.ask("POST", "/api/sessions", create(), **foreign), 403)
        assert "own address" in said["detail"]
        with Raw(web.port, **foreign) as raw:
            assert raw.status == 403
    assert web.get("/api/actions")["items"] == []
    for mine in ({"Origin": own}, {"Sec_Fetch_Site": "same-origin"}, {}):
        assert web.ask("POST", "/api/sessions", create(), **mine)[0] == 202, mine
        with Raw(web.port, **mine) as raw:
            assert raw.status == 101
    cookie = cookie_of(locked)
    problem(locked.ask("POST", "/api/sessions", create(), Cookie=cookie), 403)
    with Raw(locked.port, Cookie=cookie) as raw:
        assert raw.status == 403
    same = {"Cookie": cookie, "Sec_Fetch_Site": "same-origin"}
    assert locked.ask("POST", "/api/sessions", create(), **same)[0] == 202
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert locked.ask("POST", "/api/sessions", create(), **bearer)[0] == 202


def test_bodies_that_are_too_large(web):
    """Declared or in chunks: 413, and not read into memory; just below it is read."""
    large = b" " * (guard.MAX_BODY_BYTES + 1)
    problem(web.ask("POST", "/api/sessions", large), 413)
    status, _, body = web.ask("POST", "/api/sessions", large[:-1])
    assert status == 400, body
    head = (
        b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    assert status_of(web.port, head + chunk * 12 + b"0\r\n\r\n") == 413
    for broken in (b"zz\r\n", b"-5\r\n", b"ffffffffffffffffff\r\nabc", b"5\r\nab"):
        with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
            connection.sendall(head + broken)
            connection.shutdown(socket.SHUT_WR)
            assert int(connection.recv(65_536).split(b" ", 2)[1]) in (400, 413)
    huge = b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(huge)
        assert b" 413 " in connection.recv(65_536)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Sec_WebSocket_Key": None},
        {"Sec_WebSocket_Key": "short"},
        {"Sec_WebSocket_Key": "\xff" * 24},
        {"Sec_WebSocket_Version": None},
        {"Sec_WebSocket_Version": "8"},
        {"Connection": "keep-alive"},
    ],
)
def test_half_a_handshake_is_refused_and_leaves_nothing(web, wrong, capfd):
    """An upgrade that lacks what it needs is refused, and leaves neither thread nor traceback."""
    had = len(serving())
    with Raw(web.port, **wrong) as raw:
        assert raw.status == 400
    until(lambda: len(serving()) <= had)
    assert web.web._socketio.server.eio.sockets == {}
    assert "Traceback" not in capfd.readouterr().err


def test_headers_that_no_library_would_take_reach_none(web):
    """What else a handshake carries reaches none of them; compression is not agreed on."""
    odd = {"X_Odd": "\x01\x7f\xff", "Sec_WebSocket_Extensions": "permessage-deflate; x",
           "Sec_WebSocket_Protocol": "a,b", "Connection": "keep-alive, Upgrade"}  # fmt: skip
    with Raw(web.port, **odd) as raw:
        assert "extensions" not in raw.head.lower()
        assert raw.joined().call("subscribe_sessions", {})["ok"]


def test_an_upgrade_elsewhere_is_no_socket(web):
    """It is answered as what it is, within the time-out, and counts for none."""
    until(lambda: not web.web._guard._open, "the sockets of earlier tests have ended")
    status, _, _ = web.ask("GET", "/api/health", **HANDSHAKE)
    assert status == 400
    assert web.web._guard._open == set()


def test_too_many_sockets(serve, monkeypatch):
    """503 for one more than fits; there is room again when one has gone."""
    monkeypatch.setattr(guard, "MAX_SOCKETS", 5)
    monkeypatch.setattr(guard, "_OPENINGS_PER_S", 1_000.0)
    few = serve()
    held = [Raw(few.port).joined() for _ in range(5)]
    with Raw(few.port) as one_more:
        assert one_more.status == 503
        assert "Retry-After" in one_more.head
    held.pop().socket.close()

    def room():
        with Raw(few.port) as raw:
            return raw.status == 101

    until(room)
    for raw in held:
        raw.socket.close()


def test_sockets_opened_too_fast(serve, monkeypatch):
    """Each leaves a thread behind until its ping: not more a second than that is worth."""
    monkeypatch.setattr(guard, "MAX_SOCKETS", 10)
    fast = serve()
    statuses = []
    for _ in range(60):
        with Raw(fast.port) as raw:
            statuses.append(raw.status)
    assert statuses.count(101) >= 10
    assert statuses.count(503) >= 1


def test_half_open_connections(serve, capfd):
    """Two hundred that say nothing, half a request, half a body or half a handshake: gone after
    the time-out, with their threads; others are served meanwhile.
    """
    had = len(serving())
    timed = serve(more={"half_open_s": 1.0})
    body = b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    starts = [
        b"",
        b"GET / HT",
        b"GET /api/health HTTP/1.1\r\nHost: loc",
        b"POST /api/sessions HTTP/1.1\r\nHost: localhost\r\n" + body,
        f"GET {SOCKET} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n".encode(),
    ]
    held = []
    for n in range(200):
        connection = socket.create_connection(("127.0.0.1", timed.port), timeout=20)
        connection.sendall(starts[n % len(starts)])
        held.append(connection)
    assert timed.ask("GET", "/api/health")[0] == 200
    until(lambda: len(serving()) <= had, "their threads have ended")
    for connection in held:
        assert b" 200 " not in connection.recv(65_536)
        connection.close()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_this_machine_only_with_a_token(tmp_path, host):
    """Without REINS_TOKEN one is made, and is in the address that is printed."""
    if host == "::" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    worker = Worker(
        tmp_path / "data", tmp_path / "app", "app.py", "--no-worker", "--host", host, "--port", "0"
    )
    with worker:
        found = until(
            lambda: re.search(r"http://(.*):(\d+)/\?token=(\S+)", worker.stdout.read_text())
        )
        at, port, token = found[1].strip("[]"), int(found[2]), found[3]
        assert at in ("127.0.0.1", "::1")
        assert len(token) >= 32
        statuses = {}
        for given in ("", f"Authorization: Bearer {token}\r\n"):
            with socket.create_connection((at, port), timeout=20) as connection:
                request = f"GET /api/health HTTP/1.1\r\nHost: localhost\r\n{given}\r\n"
                connection.sendall(request.encode())
                statuses[bool(given)] = int(connection.recv(65_536).split(b" ", 2)[1])
        assert statuses == {False: 401, True: 200}
        assert worker.stop() == 0
        assert token not in worker.stderr.read_text()
