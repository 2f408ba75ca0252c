"""Headers of proxies: they count from trusted peers alone, and never let another site in."""

import itertools
import re

import pytest

from reins.settings import Settings, SettingsError, load_settings
from reins.web.hosts import Hosts
from tests.integration.web.serving import Raw, Served

TOKEN = "t0ken-of-more-than-16-characters"
HTML = {"Accept": "text/html"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NAME = "reins.example.org"
ids = map("d{}".format, itertools.count())
TRUSTED = ["127.0.0.1", "10.0.0.0/8"]


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Serves a folder without a worker, as the test asks for; the same for the same settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(tmp_path_factory.mktemp("trusted") / "data"))
        made = {}

        def start(token=None, **settings):
            key = repr((token, settings))
            if key not in made:
                given = {"allowed_hosts": [NAME], **settings}
                made[key] = Served(load_settings(**given), token=token).__enter__()
            return made[key]

        yield start
        for served in made.values():
            served.__exit__()


def base_of(served, path="/sessions/a", **headers):
    """Where the page takes its files from."""
    status, _, body = served.ask("GET", path, **HTML, **headers)
    assert status == 200, body
    return re.search(r'src="([^"]*)assets/', body.decode())[1]


@pytest.mark.parametrize(
    "forged",
    [
        {"X_Forwarded_Host": "localhost"},
        {"X_Forwarded_Host": NAME, "X_Forwarded_For": "127.0.0.1"},
        {"X_Forwarded_Host": f"{NAME}, localhost", "X_Forwarded_Proto": "https"},
        {"X_Forwarded_Server": "localhost", "X_Original_Host": "localhost"},
        {"Forwarded": "for=127.0.0.1;host=localhost;proto=https"},
    ],
)
@pytest.mark.parametrize("trusted", [[], TRUSTED], ids=["untrusted", "trusted"])
def test_no_header_makes_a_host_a_served_one(serve, forged, trusted):
    """A name that was rebound to this address: what a page of it can send along helps nothing."""
    served = serve(trusted_proxies=trusted)
    for host in ("evil.example", "evil.example:8700"):
        assert served.ask("GET", "/api/health", Host=host, **forged)[0] == 421
        with Raw(served.port, Host=host, **forged) as raw:
            assert raw.status == 421


@pytest.mark.parametrize(
    "forged",
    [
        {"X_Forwarded_Host": "evil.example"},
        {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https"},
        {"X_Forwarded_Port": "443", "X_Forwarded_Proto": "https"},
        {"X_Forwarded_For": "127.0.0.1", "X_Forwarded_Host": "evil.example, localhost"},
    ],
)
@pytest.mark.parametrize("trusted", [[], TRUSTED], ids=["untrusted", "trusted"])
def test_no_header_makes_an_origin_our_own(serve, forged, trusted):
    """For acts as for sockets; the socket's library, which would heed them, is not asked."""
    served = serve(trusted_proxies=trusted)
    body = {"agent_id": "a", "actor": "eve"}
    for origin in ("https://evil.example", "http://evil.example", "https://evil.example:443"):
        refused = served.ask("POST", "/api/sessions", body, Origin=origin, **forged)[0]
        assert refused in (403, 421)
        with Raw(served.port, Origin=origin, **forged) as raw:
            assert raw.status == refused
    assert served.get("/api/actions")["items"] == []


def test_what_an_untrusted_peer_says_changes_nothing(serve):
    """Neither the cookie, nor where the page's files are, nor where an outcome will be."""
    served = serve(token=TOKEN, trusted_proxies=["10.0.0.1"])
    forged = {
        "X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/forged",
        "X_Forwarded_Host": NAME, "X_Forwarded_Port": "1", "X_Forwarded_For": "10.0.0.1",
    }  # fmt: skip
    _, headers, _ = served.ask("GET", f"/sessions/a?token={TOKEN}", **forged)
    assert headers["location"] == "./a"
    assert {"Path=/"} <= set(headers["set-cookie"].split("; "))
    assert "Secure" not in headers["set-cookie"]
    assert base_of(served, **forged, **BEARER) == "../"
    _, headers, _ = served.ask("POST", "/api/sessions", {"agent_id": "b", "actor": "ann"},
                               **forged, **BEARER)  # fmt: skip
    assert headers["location"].startswith("/api/actions/")
    foreign = served.ask("POST", "/api/sessions", {}, Origin=f"https://{NAME}", **forged, **BEARER)
    assert foreign[0] == 403
    assert "127.0.0.1, which is not among REINS_TRUSTED_PROXIES" in foreign[2]["detail"]


def test_what_a_trusted_peer_says_counts(serve):
    """Scheme, host and prefix, of several values that which the outermost trusted proxy saw."""
    served = serve(token=TOKEN, trusted_proxies=TRUSTED)
    told = {"X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/deep/down/",
            "X_Forwarded_Host": f"{NAME}:8443"}  # fmt: skip
    for more in (
        {},
        {"X_Forwarded_For": "203.0.113.9"},
        {"X_Forwarded_For": "203.0.113.9, 10.1.2.3", "X_Forwarded_Proto": "https,http"},
        {"X_Forwarded_For": "203.0.113.9, 10.1.2.3:5000", "X_Forwarded_Proto": "http,https,http"},
        {"X_Forwarded_For": "127.0.0.1, 203.0.113.9", "X_Forwarded_Proto": "http, https"},
        {"X_Forwarded_Host": NAME, "X_Forwarded_Port": "8443"},
    ):
        given = {**told, **more}
        _, headers, _ = served.ask("GET", f"/sessions/a?seq=1&token={TOKEN}", **given)
        assert headers["location"] == "./a?seq=1", more
        assert {"Path=/deep/down", "Secure"} <= set(headers["set-cookie"].split("; ")), more
        body = {"agent_id": "d", "session_id": next(ids), "actor": "ann"}
        _, headers, _ = served.ask("POST", "/api/sessions", body, **given, **BEARER)
        assert headers["location"].startswith("/deep/down/api/actions/")
        for origin, lets_in in ((f"https://{NAME}:8443", True), (f"http://{NAME}:8443", False),
                                (f"https://{NAME}:1", False)):  # fmt: skip
            with Raw(served.port, Origin=origin, **given, **BEARER) as raw:
                assert raw.status == (101 if lets_in else 403), (origin, more)


@pytest.mark.parametrize(
    "prefix",
    ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/../..", "/%2e%2e/x",
     '/"><script>', "/a b", "/a//b", "/%2F%2Fevil", "/%5Cevil", "/", "", ",", "/a?b", "/a#b"],
)  # fmt: skip
def test_prefixes_that_are_none(serve, prefix):
    """What could lead to another host, or out of an attribute, is as if it were not said."""
    served = serve(token=TOKEN, trusted_proxies=TRUSTED)
    _, headers, _ = served.ask("GET", f"/x?token={TOKEN}", X_Forwarded_Prefix=prefix)
    assert headers["location"] == "./x"
    assert "; Path=/" in headers["set-cookie"]
    assert base_of(served, X_Forwarded_Prefix=prefix, **BEARER) == "../"


@pytest.mark.parametrize(
    ("prefix", "asked", "is_api"),
    [
        ("/reins", "/reins/api/health", True),
        ("/reins", "/api/health", True),
        ("/reins", "/reins/reins/api/health", False),  # a page, which the page says is none
        ("/reins", "/reinsapi/health", False),
        ("/reins", "/reins%2Fapi/health", False),
        ("/a%20b/c", "/a%20b/c/api/health", True),
        ("/user/ann%40x/proxy", "/user/ann@x/proxy/api/health", True),
    ],
)
def test_a_prefix_is_taken_off(serve, prefix, asked, is_api):
    """Whole segments of it, as they are meant and not as they are written."""
    served = serve(path_prefix=prefix)
    status, headers, _ = served.ask("GET", asked)
    assert status == 200
    assert headers["content-type"].startswith("application/json" if is_api else "text/html")


def test_without_its_slash_the_prefix_is_the_start(serve):
    served = serve(path_prefix="/reins", token=TOKEN)
    assert base_of(served, "/reins", **BEARER) == "./reins/"
    status, headers, _ = served.ask("GET", f"/reins?token={TOKEN}")
    assert (status, headers["location"]) == (303, "./reins/")
    with Raw(served.port, path="/reins/socket.io/?EIO=4&transport=websocket", **BEARER) as raw:
        assert raw.joined().call("subscribe_sessions", {})["ok"]


def test_asked_for_directly_the_link_leads_to_the_prefix(serve):
    """Where the cookie is sent; it is served there, as it is behind the proxy."""
    served = serve(path_prefix="/user/ann@x/reins", token=TOKEN)
    asked = served.ask("GET", f"/sessions/a%2Fb?token={TOKEN}")[1]
    assert asked["location"] == "/user/ann@x/reins/sessions/a%2Fb"
    assert base_of(served, asked["location"], **BEARER) == "../"
    assert base_of(served, "/sessions/a", **BEARER) == "../"


def test_the_cookie_is_for_each_writing_of_the_prefix(serve):
    """A browser sends it where the path is written the same: `@` and `%40` are not."""
    served = serve(path_prefix="/user/ann%40x/reins", token=TOKEN)
    with Raw(served.port, path=f"/user/ann@x/reins/?token={TOKEN}") as raw:
        paths = re.findall(r"Path=(\S+?)(?:;|\r|$)", raw.head)
    assert paths == ["/user/ann%40x/reins", "/user/ann@x/reins"]


@pytest.mark.parametrize(
    ("path", "base"),
    [("/", "./"), ("/sessions", "./"), ("/sessions/", "../"), ("/sessions/a", "../"),
     ("/a/b/c", "../../"), ("/sessions/a%2Fb", "../"),
     ("http://localhost/sessions/a?x=/y/z", "../")],
)  # fmt: skip
def test_the_page_finds_its_files_from_itself(serve, path, base):
    """Where no prefix is known, by the way back from the address as it was sent."""
    assert base_of(serve(), path) == base


def test_the_page_is_not_sent_again_where_it_is_known(serve):
    """But it is, once its files are to be found elsewhere."""
    served = serve()
    _, headers, _ = served.ask("GET", "/sessions/a")
    known = {"If-None-Match": headers["etag"]}
    assert served.ask("GET", "/sessions/b", **known)[0] == 304
    assert served.ask("GET", "/sessions", **known)[0] == 200


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("https://reins.example.org", "reins.example.org", True),
        ("https://REINS.example.org", "Reins.Example.ORG", True),
        ("https://reins.example.org", "reins.example.org:443", True),
        ("http://reins.example.org", "reins.example.org:80", True),
        ("https://reins.example.org:443", "reins.example.org", True),
        ("https://reins.example.org:8443", "reins.example.org:8443", True),
        ("https://seen.example.org:8443", "seen.example.org", True),
        ("https://seen.example.org:8443", "seen.example.org:8700", True),
        ("https://seen.example.org:8444", "seen.example.org", False),
        ("https://seen.example.org:8443", "reins.example.org", False),
        ("http://[::1]:8700", "[::1]:8700", True),
        ("http://[::2]:8700", "[::1]:8700", False),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example", True),
        ("http://reins.example.org", "reins.example.org:443", False),
        ("https://reins.example.org", "reins.example.org:80", False),
        ("https://reins.example.org:1", "reins.example.org", False),
        ("https://reins.example.org", "reins.example.org:8700", False),
        ("https://reins.example.org.evil.example", "reins.example.org", False),
        ("https://evil.example", "reins.example.org", False),
        ("https://x@reins.example.org", "reins.example.org", False),
        ("https://reins.example.org/", "reins.example.org", False),
        ("https://reins.example.org?x", "reins.example.org", False),
        ("ftp://reins.example.org", "reins.example.org", False),
        ("chrome-extension://reins.example.org", "reins.example.org", False),
        ("reins.example.org", "reins.example.org", False),
        ("null", "reins.example.org", False),
        ("", "", False),
    ],
)  # fmt: skip
def test_origins(origin, host, own):
    """Name and port of the Origin are those of the Host, or those that the list names."""
    allowed = Settings(
        allowed_hosts=["Reins.example.org", "seen.example.org:8443", "bücher.example"]
    ).allowed_hosts
    hosts = Hosts("127.0.0.1", allowed)
    assert hosts.is_own(origin, host, scheme="http", port="", attested=False) == own


def test_what_the_browser_attests_needs_the_name_all_the_same(serve):
    """Where a proxy drops the port, a browser's word for an act's origin counts, of our names."""
    served = serve()
    body = {"agent_id": "c", "actor": "ann"}
    same = {"Sec_Fetch_Site": "same-origin", "Host": NAME}
    ask = served.ask
    assert ask("POST", "/api/sessions", body, Origin=f"https://{NAME}:8443", **same)[0] == 202
    assert ask("POST", "/api/sessions", body, Origin="https://evil.example", **same)[0] == 403
    for site in ("same-site", "cross-site", "none"):
        given = {"Sec_Fetch_Site": site, "Host": NAME, "Origin": f"https://{NAME}:8443"}
        assert ask("POST", "/api/sessions", body, **given)[0] == 403


@pytest.mark.parametrize(
    "host",
    ["Reins.Example.org", "reins.example.org:443", "REINS.EXAMPLE.ORG:1", "xn--bcher-kva.example",
     "seen.example.org", "seen.example.org:8443", "[2001:db8::1]:80"],
)  # fmt: skip
def test_names_of_the_list_in_any_writing(serve, host):
    """In capitals, with a port or without, of any script, whichever way the list has them."""
    served = serve(
        allowed_hosts=["REINS.example.org", "bücher.example", "seen.example.org:8443",
                       "2001:db8::1"]
    )  # fmt: skip
    assert served.ask("GET", "/api/health", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("allowed_hosts", ["https://reins.example.org"], "reins.example.org:8443"),
        ("allowed_hosts", ["reins.example.org/"], "without a path"),
        ("allowed_hosts", [""], "no host name"),
        ("allowed_hosts", ["*"], None),
        ("trusted_proxies", ["localhost"], "127.0.0.1"),
        ("trusted_proxies", ["10.0.0.1/8"], "10.0.0.0/8"),
        ("trusted_proxies", ["*"], "10.0.0.0/8"),
        ("path_prefix", "reins", "/reins"),
        ("path_prefix", "//evil.example", "one slash"),
        ("path_prefix", "/a/../b", "one slash"),
        ("path_prefix", "https://reins.example.org/reins", "/reins"),
    ],
)
def test_settings_that_are_impossible(name, value, hint):
    """Each says what was expected."""
    if hint is None:
        assert not Hosts("127.0.0.1", load_settings(**{name: value}).allowed_hosts).serves("a.b")
        return
    with pytest.raises(SettingsError, match=name.upper()) as caught:
        load_settings(**{name: value})
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "value", ['"', '"a', ",", ",,,", " ", "a" * 8_000, "1," * 4_000, "\xff\xfe", "[", "[::1", "::1",
              "%", "%zz", "null", "-1", "a=b;c", "http://[", "https://x/", "127.0.0.1:x", "\x01"]
)  # fmt: skip
@pytest.mark.parametrize("name", ["For", "Proto", "Host", "Port", "Prefix"])
def test_headers_that_make_no_sense(serve, name, value, capfd):
    """Refused or not heeded, never a fault of ours; no traceback."""
    served = serve(trusted_proxies=TRUSTED)
    given = {f"X_Forwarded_{name}": value, "Accept": "text/html"}
    assert served.ask("GET", "/sessions/a", **given)[0] in (
        (200, 421) if name == "Host" else (200,)
    )
    own = {"Origin": f"http://127.0.0.1:{served.port}"}
    with Raw(served.port, **given, **own) as raw:
        assert raw.status in ((101, 403, 421) if name == "Host" else (101,))
    assert "Traceback" not in capfd.readouterr().err


def test_a_peer_is_an_address_in_any_writing(serve):
    """The address of an IPv4 peer at a socket for both is that of IPv4."""
    served = serve(trusted_proxies=["::/0"], host="::1")
    trusts = served.web.wsgi._trusts
    assert trusts("2001:db8::7")
    assert not trusts("10.0.0.1")
    ours = serve(trusted_proxies=TRUSTED).web.wsgi._trusts
    assert [each for each in ("::ffff:10.1.1.1", "10.1.1.1", "127.0.0.1") if not ours(each)] == []
    assert [
        each for each in ("", "unknown", "_hidden", "11.0.0.1", "localhost") if ours(each)
    ] == []


def test_one_of_several_cookies_of_the_name_is_enough(serve):
    """As where one host has several of us under several paths."""
    served = serve(token=TOKEN)
    name = f"reins_{served.port}"
    assert served.ask("GET", "/api/health", Cookie=f"{name}=other; {name}={TOKEN}")[0] == 200
    assert served.ask("GET", "/api/health", Cookie=f"{name}=other; {name}=")[0] == 401


def test_who_is_asked_for_the_token_by_a_page(serve):
    """Who asks for HTML; programs get JSON, and a form that is none gets nowhere."""
    served = serve(token=TOKEN)
    for accept in ("text/html", "text/html,application/xhtml+xml,*/*;q=0.8"):
        for path in ("/", "/sessions/a", "/api/health"):
            status, headers, body = served.ask("GET", path, Accept=accept)
            assert (status, headers["content-type"]) == (401, "text/html; charset=utf-8")
            assert b'<form method="post">' in body
            assert "script-src" not in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
    for accept in ("*/*", "application/json", "text/event-stream", "text/html;q=0", ""):
        status, headers, _ = served.ask("GET", "/", Accept=accept)
        assert (status, headers["content-type"]) == (401, "application/problem+json")
    form = {"Content-Type": "application/x-www-form-urlencoded", **HTML}
    for data in (b"token=wrong", b"token=", b"", b"x=y", b"token=" + b"x" * 10_000, b"\xff=%ff"):
        status, headers, _ = served.ask("POST", "/", data, **form)
        assert status == 401, data
        assert "set-cookie" not in headers
    status, headers, _ = served.ask("POST", "/", f"token={TOKEN}".encode(), **form)
    assert status == 303
    as_text = {**form, "Content-Type": "text/plain"}
    assert served.ask("POST", "/", f"token={TOKEN}".encode(), **as_text)[0] == 401


def test_a_form_acts_on_nothing(serve):
    """Of another site, with the cookie: refused; with the right token: let in, and no more."""
    served = serve(token=TOKEN, allowed_hosts=["forms.example.org"])
    cookie = {"Cookie": f"reins_{served.port}={TOKEN}"}
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example"}
    before = served.ask("GET", "/api/actions", **cookie)[2]["items"]
    body = b"agent_id=a&actor=eve"
    assert served.ask("POST", "/api/sessions", body, **form, **cookie)[0] == 403
    assert served.ask("POST", "/api/sessions", f"token={TOKEN}".encode(), **form)[0] == 303
    assert served.ask("GET", "/api/actions", **cookie)[2]["items"] == before
