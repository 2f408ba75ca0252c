"""Behind real proxies: page, assets, API, sockets, streams and cookies work; strangers stay out."""

import re
from contextlib import contextmanager
from urllib.parse import quote, unquote, urljoin

import pytest

import queue_imp as q
from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from tests.integration.web.serving import Served
from tests.integration.web.visiting import Visitor
from tests.support.program import ROOT
from tests.support.proxies.servers import NAME, caddy, certify, free_port, nginx, stunnel

TOKEN = "t0ken-&=#%+;/with-what-needs-quoting"
HUB = "/user/ann%40example.org/proxy"
_TLS = """
map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
server {{
    listen 127.0.0.1:{port} ssl;
    server_name {name};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
{locations}
}}
"""
_LOCATION = """
    location {at} {{
        proxy_pass http://127.0.0.1:{upstream}{path};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_buffering off;
        {headers}
    }}
"""
KEPT = "proxy_set_header Host $http_host;"
TOLD = KEPT + "proxy_set_header X-Forwarded-Proto $scheme;"


@pytest.fixture(scope="module")
def working(tmp_path_factory):
    """A worker, for all webs of this file; one session is in its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(tmp_path_factory.mktemp("proxies") / "data"))
        runtime = Runtime(load_settings(heartbeat_s=3_600, stop_grace_s=1))
        thread = RuntimeThread(runtime)
        thread.start()
        assert q.wait_for_action(q.agent_create("ada", "ann", "cats"))["outcome"] == "applied"
        yield runtime
        thread.stop()


@pytest.fixture
def serve(working):
    """Serves with settings of its own and a token, behind what the test starts."""

    @contextmanager
    def start(**settings):
        given = {"allowed_hosts": [NAME], **settings}
        with Served(load_settings(**given), working, token=TOKEN) as served:
            yield served

    return start


def how_to(beginning, **changes):
    """The block of the how-to that begins so, with other ports and files."""
    text = (ROOT / "docs" / "how-to.md").read_text()
    [block] = [
        each
        for each in re.findall(r"```text\n(.*?)```", text, re.DOTALL)
        if each.lstrip().startswith(beginning)
    ]
    for old, new in changes.items():
        assert old in block, old
        block = block.replace(old, str(new))
    return block


def before(upstream, folder, *locations):
    """nginx with TLS, whose block `server` has these locations: (at, path, headers)."""
    port = free_port()
    certificate, key = certify(folder)
    made = "".join(
        _LOCATION.format(at=at, path=path, headers=headers, upstream=upstream)
        for at, path, headers in locations
    )
    body = _TLS.format(port=port, name=NAME, certificate=certificate, key=key, locations=made)
    return nginx(folder, port, body)


def works(visitor: Visitor, *, prefix: str, secure: bool, path: str | None = None) -> None:
    """A person and a program can do everything there; a page of another site cannot."""
    _is_asked_for_the_token(visitor)
    cookie = visitor.enter(TOKEN)
    assert {"HttpOnly", "SameSite=Lax", f"Path={prefix if path is None else path}"} <= cookie
    assert ("Secure" in cookie) == secure
    _sees_the_page(visitor)
    _acts(visitor)
    _hears(visitor)
    _strangers_stay_out(visitor)


def _is_asked_for_the_token(visitor):
    status, headers, text = visitor.get("sessions/ada?seq=1", Accept="text/html,*/*;q=0.8")
    assert status == 401
    assert headers["content-type"].startswith("text/html")
    assert 'name="token"' in text
    assert visitor.get("api/sessions")[0] == 401


def _sees_the_page(visitor):
    seen = set()
    for page in ("", "sessions", "sessions/ada", "conversations/a%3Ab", "no/such/page/there"):
        status, _, text = visitor.get(page, Accept="text/html")
        assert status == 200, page
        found = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert len(found) > 2
        for each in found:
            address = urljoin(visitor.url + page, each)
            assert address.startswith(visitor.url), (page, each)
            assert address in seen or visitor.get(address)[0] == 200, (page, each)
            seen.add(address)


def _acts(visitor):
    body = {"guidance": "now about dogs", "actor": "ann"}
    status, headers, answer = visitor.act("api/sessions/ada/interrupt", body)
    assert status == 202, answer
    return headers["location"]


def _hears(visitor):
    with visitor.socket() as socket:
        joined = socket.joined()
        ask = {"agent_id": "ada", "session_id": "ada", "after_seq": 0}
        assert joined.call("subscribe", ask)["ok"]
    assert b"retry: 1000" in visitor.first_of("api/sessions/ada/events")


def _strangers_stay_out(visitor):
    for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"},
                    {"Origin": f"https://{NAME}:1"}, {"Origin": visitor.origin + ".evil.example"},
                    {"Origin": None, "Sec-Fetch-Site": "cross-site"},
                    {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
                    ):  # fmt: skip
        refused = visitor.act("api/sessions/ada/pause", {"actor": "eve"}, **foreign)[0]
        assert refused in (403, 421), foreign
        with visitor.socket(**foreign) as socket:
            assert socket.status == refused, foreign
    stranger = Visitor(visitor.url, visitor.port)
    assert stranger.act("api/sessions/ada/pause", {"actor": "eve"})[0] == 401
    with stranger.socket() as socket:
        assert socket.status == 401


def test_nginx_as_the_how_to_has_it(serve, tmp_path):
    """TLS, the Host kept, the proxy trusted: all works, and the cookie is Secure."""
    port = free_port()
    certificate, key = certify(tmp_path)
    with serve(trusted_proxies=["127.0.0.1"]) as served:
        body = how_to("map $http_upgrade", **{
            "127.0.0.1:8700": f"127.0.0.1:{served.port}", "443 ssl": f"127.0.0.1:{port} ssl",
            "/etc/ssl/reins.pem": certificate, "/etc/ssl/reins.key": key,
        })  # fmt: skip
        with nginx(tmp_path / "nginx", port, body):
            works(Visitor(f"https://{NAME}:{port}/", port), prefix="/", secure=True)


def test_nginx_under_a_path_as_the_how_to_has_it(serve, tmp_path):
    """The path is left on the address; the cookie goes nowhere else at that name."""
    port = free_port()
    certificate, key = certify(tmp_path)
    with serve(path_prefix="/reins/") as served:
        location = how_to("location /reins/", **{"127.0.0.1:8700": f"127.0.0.1:{served.port}"})
        body = _TLS.format(
            port=port, name=NAME, certificate=certificate, key=key, locations=location
        )
        with nginx(tmp_path / "nginx", port, body):
            visitor = Visitor(f"https://{NAME}:{port}/reins/", port)
            works(visitor, prefix="/reins", secure=False)
            assert _acts(visitor).startswith("/reins/api/actions/")


def test_caddy_as_the_how_to_has_it(serve, tmp_path):
    """Caddy says of itself what it did, and is trusted."""
    port = free_port()
    with serve(trusted_proxies=["127.0.0.0/8", "::1"]) as served:
        body = how_to(f"{NAME} {{\n    reverse_proxy 1", **{
            "127.0.0.1:8700": f"127.0.0.1:{served.port}"
        })  # fmt: skip
        with caddy(tmp_path / "caddy", port, body):
            works(Visitor(f"https://{NAME}:{port}/", port), prefix="/", secure=True)


def test_caddy_under_a_path_as_the_how_to_has_it(serve, tmp_path):
    port = free_port()
    with serve(path_prefix="/reins") as served:
        body = how_to(f"{NAME} {{\n    redir", **{"127.0.0.1:8700": f"127.0.0.1:{served.port}"})
        with caddy(tmp_path / "caddy", port, body):
            works(Visitor(f"https://{NAME}:{port}/reins/", port), prefix="/reins", secure=False)


def test_caddy_that_takes_the_path_off_and_says_so(serve, tmp_path):
    port = free_port()
    with serve(trusted_proxies=["127.0.0.1"]) as served:
        body = f"""{NAME} {{
            handle_path /deep/down/* {{
                reverse_proxy 127.0.0.1:{served.port} {{
                    header_up X-Forwarded-Prefix /deep/down
                }}
            }}
        }}"""
        with caddy(tmp_path / "caddy", port, body):
            visitor = Visitor(f"https://{NAME}:{port}/deep/down/", port)
            works(visitor, prefix="/deep/down", secure=True)
            assert _acts(visitor).startswith("/deep/down/api/actions/")


def test_what_ends_tls_and_no_more(serve, tmp_path):
    """No header of any proxy: the Host and the Origin are the browser's own."""
    port = free_port()
    with serve() as served, stunnel(tmp_path / "stunnel", port, served.port):
        works(Visitor(f"https://{NAME}:{port}/", port), prefix="/", secure=False)


@pytest.mark.parametrize(
    ("at", "path", "headers", "settings", "prefix"),
    [
        pytest.param("/reins/", "/", KEPT, {}, "/", id="taken off, nothing is said"),
        pytest.param(
            "/reins/", "/", KEPT, {"path_prefix": "/reins"}, "/reins", id="taken off, a setting"
        ),
        pytest.param(
            "/reins/", "/",
            TOLD + "proxy_set_header X-Forwarded-Prefix /reins;",
            {"trusted_proxies": ["127.0.0.1"]}, "/reins", id="taken off, a header",
        ),
        pytest.param(
            "/reins/", "",
            TOLD + "proxy_set_header X-Forwarded-Prefix /reins;",
            {"trusted_proxies": ["127.0.0.1"]}, "/reins", id="left on, a header",
        ),
        pytest.param(
            f"{HUB}/8700/", "/",
            KEPT + f"proxy_set_header X-Forwarded-Prefix {HUB}/8700;",
            {"trusted_proxies": ["127.0.0.1"]}, f"{HUB}/8700", id="a hub",
        ),
        pytest.param(
            f"{HUB}/absolute/8700/", "", KEPT, {"path_prefix": f"{HUB}/absolute/8700"},
            f"{HUB}/absolute/8700", id="a hub, left on",
        ),
    ],
)  # fmt: skip
def test_under_a_path(serve, tmp_path, at, path, headers, settings, prefix):  # noqa: PLR0917
    """Taken off or left on the address, told by a setting, by a trusted proxy or by nobody."""
    secure = "trusted_proxies" in settings and "Proto" in headers
    with serve(**settings) as served:
        location = (f"'{at.replace('%40', '@')}'", path, headers)
        with before(served.port, tmp_path / "nginx", location) as proxy:
            visitor = Visitor(f"https://{NAME}:{proxy.port}{at}", proxy.port)
            works(visitor, prefix=prefix, secure=secure)


def test_the_host_is_the_proxys_own(serve, tmp_path):
    """As nginx has it where nobody says otherwise: the browser's comes as a header."""
    headers = (
        "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;"
    )
    with (
        serve(trusted_proxies=["127.0.0.1"]) as served,
        before(served.port, tmp_path / "nginx", ("/", "", headers)) as proxy,
    ):
        works(Visitor(f"https://{NAME}:{proxy.port}/", proxy.port), prefix="/", secure=True)


@pytest.mark.parametrize("given", ["$host", "$host:$proxy_port"])
def test_a_host_without_the_port_of_the_address(serve, tmp_path, given):
    """The list says under which port the name is seen; no other port of that name is let in."""
    port = free_port()
    certificate, key = certify(tmp_path)
    with serve(allowed_hosts=[f"{NAME.upper()}:{port}"]) as served:
        location = _LOCATION.format(
            at="/", path="", upstream=served.port, headers=f"proxy_set_header Host {given};"
        )
        body = _TLS.format(
            port=port, name=NAME, certificate=certificate, key=key, locations=location
        )
        with nginx(tmp_path / "nginx", port, body):
            works(Visitor(f"https://{NAME}:{port}/", port), prefix="/", secure=False)


def test_two_proxies_in_a_row(serve, tmp_path):
    """Each appends what it saw, as JupyterHub's does: what the outermost trusted one saw counts."""
    inner_headers = (
        "proxy_set_header Host $proxy_host;"
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
        'proxy_set_header X-Forwarded-Proto "$http_x_forwarded_proto,http";'
        "proxy_set_header X-Forwarded-Host $http_x_forwarded_host;"
    )
    outer_headers = (
        "proxy_set_header X-Forwarded-For $remote_addr;"
        "proxy_set_header X-Forwarded-Host $http_host;" + TOLD
    )
    inner_port = free_port()
    with serve(trusted_proxies=["127.0.0.1"]) as served:
        inner = _LOCATION.format(at="/", path="", upstream=served.port, headers=inner_headers)
        plain = _TLS.format(
            port=inner_port, name="_", certificate="", key="", locations=inner
        ).replace(" ssl;", ";")
        plain = re.sub(r".*ssl_certificate.*\n", "", plain)
        with (
            nginx(tmp_path / "inner", inner_port, plain),
            before(inner_port, tmp_path / "outer", ("/", "", outer_headers)) as proxy,
        ):
            works(Visitor(f"https://{NAME}:{proxy.port}/", proxy.port), prefix="/", secure=True)


def test_a_rebound_name_behind_a_proxy(serve, tmp_path):
    """The proxy serves any name: one that is not on the list is refused, whatever headers say."""
    with (
        serve(trusted_proxies=["127.0.0.1"]) as served,
        before(served.port, tmp_path / "nginx", ("/", "", KEPT)) as proxy,
    ):
        visitor = Visitor(f"https://evil.example:{proxy.port}/", proxy.port)
        for forged in ({}, {"X-Forwarded-Host": NAME}, {"X-Forwarded-Host": "localhost"},
                       {"X-Forwarded-Host": f"{NAME}, {NAME}", "X-Forwarded-For": "127.0.0.1"},
                       {"Forwarded": f"host={NAME}"}):  # fmt: skip
            assert visitor.get("", **forged)[0] == 421, forged
            with visitor.socket(**forged) as socket:
                assert socket.status == 421, forged


def test_where_no_websocket_is_passed_on_the_server_says_why(serve, tmp_path):
    """What the page asks, in place of its socket, is answered with the reason."""
    headers = KEPT + 'proxy_set_header Upgrade ""; proxy_set_header Connection close;'
    location = _LOCATION.replace("proxy_set_header Upgrade $http_upgrade;", "").replace(
        "proxy_set_header Connection $connection_upgrade;", ""
    )
    port = free_port()
    certificate, key = certify(tmp_path)
    with serve() as served:
        made = location.format(at="/", path="", upstream=served.port, headers=headers)
        body = _TLS.format(port=port, name=NAME, certificate=certificate, key=key, locations=made)
        with nginx(tmp_path / "nginx", port, body):
            visitor = Visitor(f"https://{NAME}:{port}/", port)
            visitor.enter(TOKEN)
            with visitor.socket() as socket:
                assert socket.status == 400
            status, headers, said = visitor.act("socket.io/", None)
            assert (status, headers["content-type"]) == (400, "application/problem+json")
            assert "pass these on" in said["detail"]
            foreign = {"Origin": "https://evil.example"}
            assert visitor.act("socket.io/", None, **foreign)[0] == 403


def test_the_link_with_the_token(serve, tmp_path):
    """It leads to the same page without the token, under whatever path, its query kept."""
    with (
        serve() as served,
        before(served.port, tmp_path / "nginx", ("/reins/", "/", KEPT)) as proxy,
    ):
        visitor = Visitor(f"https://{NAME}:{proxy.port}/reins/", proxy.port)
        for page in ("", "sessions/ada", "sessions?status=failed&q=a%26b", "conversations/a%3Ab"):
            token = f"token={quote(TOKEN, safe='')}"
            asked = visitor.url + page + ("&" if "?" in page else "?") + token
            status, headers, _ = visitor.get(asked)
            assert status == 303
            assert unquote(urljoin(asked, headers["location"])) == unquote(visitor.url + page)
