"""Addresses of the web as they are read and checked, before anything is looked up."""

import pytest

from reins.tools.outcome import ToolError
from reins.tools.web import outside
from reins.tools.web.outside import Outside, target_of


@pytest.fixture(autouse=True)
def no_address_is_ours(monkeypatch):
    """Which addresses this machine has is looked at by a bind, which a unit test cannot do."""
    monkeypatch.setattr(outside, "own", lambda _address: False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.0.0.1./", "http://127.0.0.1../", "http://@127.0.0.1/",
        "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://\uff11\uff12\uff17.0.0.1/", "http://[::1]/",
        "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[fec0::1]/",
        "http://[5f00::1]/", "http://192.0.0.8/", "http://168.63.129.16/", "http://224.0.0.1/",
        "https://169.254.169.254:443/latest/", "http://100.100.100.200/", "http://0.0.0.0/",
        "HTTP://127.0.0.1:8080/", "http://[2002:7f00:1::]/",
    ],
)  # fmt: skip
def test_literal_addresses_of_the_inside(url):
    """A host that is an address is checked by itself: no resolver is asked for it."""
    with pytest.raises(ToolError, match="leads to the inside"):
        Outside().target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/",
        "http://127.1/", "http://0/", "http://00/", "http://1.2.3.4.5/", "http://1.2.3.08/",
        "http://127%2e0.0.1/", "http://%31%32%37.0.0.1/", "http://[::1%25lo]/",
        "http://[fe80::1%eth0]/", "http://example.1/", "http://example.0x7f/",
    ],
)  # fmt: skip
def test_hosts_in_unusual_spellings(url):
    """Decimal, octal, hex, with parts left out, escaped, with a zone: refused as they stand."""
    with pytest.raises(ToolError, match="unusual way"):
        Outside().target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a@127.0.0.1/", "http://example.org@127.0.0.1/", "http://a:b@example.org/",
        "http://example.org:80@127.0.0.1/", "http://:@example.org/",
    ],
)  # fmt: skip
def test_users_in_an_address(url):
    with pytest.raises(ToolError, match="holds a user") as raised:
        Outside().target(url)
    assert ":b" not in str(raised.value), "a password is not said again"


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "//example.org/", "/path", "http:", "http://", "http:///x", "http:example.org",
        "ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1/", "data:text/plain,x",
        "javascript:alert(1)", "http://[::1", "http://example.org:99999/", "http://example.org:0/",
        "http://example.org:x/", "http://good.example\\@127.0.0.1/", "http://a b/",
        "http://exa\tmple.org/", "http://exa\nmple.org/", "http://a\0b/", "http://\u00ad127.0.0.1/",
        "http://127.0.0.1\u200b/", "http://" + "a" * 9_000,
    ],
)  # fmt: skip
def test_what_is_no_address(url):
    """Other schemes, other forms, and signs that parsers read differently."""
    with pytest.raises(ToolError, match=r"is no address|cannot be asked"):
        Outside().target(url)


@pytest.mark.parametrize("port", [1, 22, 25, 110, 143, 465, 587, 993])
def test_ports_of_other_services(port):
    with pytest.raises(ToolError, match=f"port {port} is not asked"):
        Outside().target(f"http://example.org:{port}/")


@pytest.mark.parametrize(
    ("url", "host", "port", "asked"),
    [
        ("http://Example.ORG", "example.org", 80, "http://example.org"),
        ("https://example.org./x?y=1#z", "example.org", 443, "https://example.org/x?y=1"),
        ("  http://example.org:8080/a b".replace("a b", "a"), "example.org", 8080,
         "http://example.org:8080/a"),
        ("http://münchen.example/ü", "xn--mnchen-3ya.example", 80,
         "http://xn--mnchen-3ya.example/%C3%BC"),
        ("http://1.1.1.1/", "1.1.1.1", 80, "http://1.1.1.1/"),
        ("http://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 80,
         "http://[2606:4700:4700::1111]/"),
    ],
)  # fmt: skip
def test_what_is_read_is_what_is_asked(url, host, port, asked):
    found = Outside().target(url)
    assert (found.host, found.port, str(found.url)) == (host, port, asked)


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("*", ["a.example", "b.a.example"], []),
        ("a.example", ["a.example", "A.EXAMPLE."], ["b.a.example", "xa.example", "a.example.org"]),
        ("*.example.org", ["a.example.org", "b.a.example.org"], ["example.org", "xexample.org",
                                                                 "a.example.org.evil.example"]),
        ("1.1.1.1", ["1.1.1.1"], ["1.0.0.1"]),
    ],
)  # fmt: skip
def test_the_allowlist(pattern, fits, others):
    """A name, all below one, or all; what only looks like it is not."""
    allowed = Outside((pattern,))
    for host in fits:
        allowed.target(f"https://{host}/")
    for host in others:
        with pytest.raises(ToolError, match="REINS_HTTP_HOSTS"):
            allowed.target(f"https://{host}/")


def test_nothing_may_be_asked_where_no_host_is_named():
    with pytest.raises(ToolError, match=r"\(none\)"):
        Outside(()).target("https://example.org/")


def test_the_allowlist_opens_nothing_of_the_inside():
    """Only a place with its port does."""
    with pytest.raises(ToolError, match="inside"):
        Outside(("127.0.0.1",)).target("http://127.0.0.1/")
    wide = Outside((), frozenset({"127.0.0.1:80", "[::1]:8080"}))
    assert wide.target("http://127.0.0.1/").port == 80
    assert wide.target("http://[::1]:8080/").place == "[::1]:8080"
    with pytest.raises(ToolError, match="not among the hosts"):
        wide.target("http://127.0.0.1:8080/")


def test_addresses_that_a_name_has():
    """Public ones are allowed; a place that a person named, all but those of credentials."""
    public = Outside()
    named = target_of("http://wiki.corp/")
    assert public.allows(named, "8.8.8.8")
    assert not public.allows(named, "10.0.0.1")
    opened = Outside((), frozenset({"wiki.corp:80", "169.254.169.254:80"}))
    assert opened.allows(named, "10.0.0.1")
    assert not opened.allows(named, "169.254.169.254")
    assert opened.allows(target_of("http://169.254.169.254/"), "169.254.169.254")
