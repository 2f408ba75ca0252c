"""Addresses and pages made at random of what attacks are made of."""

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reins.tools.outcome import ToolError
from reins.tools.web import outside
from reins.tools.web.addresses import inside
from reins.tools.web.markdown import write
from reins.tools.web.outside import Outside

PIECES = st.sampled_from([
    "http://", "https://", "//", "/", "\\", "@", ":", ":80", ":443", "#", "?", "%", "%2e", "%40",
    "%00",
    "[", "]", "::", "::1", "ffff:", "7f00:1", "127.0.0.1", "127.1", "0x7f", "2130706433",
    "017700000001",
    "localhost", "example.org", "evil", ".", "..", " ", "\t", "\n", "\0", "。", "①", "\u200b",
    "a", "-",
    "169.254.169.254", "xn--", "é", ";", "&", "=", "user", "fe80", "%25lo", "8.8.8.8",
])  # fmt: skip
MARKUP = st.sampled_from([
    "<", ">", "</", "/>", "<!--", "-->", "<!", "<?", "=", '"', "'", " ", "\n", "&amp;", "&#x",
    "&lt", "a",
    "<a href=", "<a href='http://h/'>", "</a>", "<p>", "</p>", "<ul>", "</ul>", "<ol start=7>",
    "</ol>",
    "<li>", "</li>", "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<pre>", "</pre>",
    "<code>",
    "</code>", "<blockquote>", "</blockquote>", "<script>", "</script>", "<title>", "</title>",
    "<br>",
    "<hr>", "<div hidden>", "</div>", "<svg>", "</svg>", "<h1>", "</h1>", "<img alt=x>", "`",
    "|", "text",
    "<base href='//['>", "\0", "<textarea>", "<table><tr><td>",
])  # fmt: skip


@pytest.fixture(autouse=True)
def no_address_is_ours(monkeypatch):
    monkeypatch.setattr(outside, "own", lambda _address: False)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join), st.booleans())
def test_an_address_that_is_taken_leads_where_it_says(rest, is_whole):
    """Its host is no address of the inside, and other parsers see the same host in it."""
    url = rest if is_whole else f"http://{rest}"
    try:
        found = Outside().target(url)
    except ToolError:
        return
    asked = str(found.url)
    try:
        assert not inside(ipaddress.ip_address(found.host))
    except ValueError:
        assert not found.host.replace(".", "").isdigit()
    other = urlsplit(asked)
    assert (other.hostname, other.username, other.scheme) == (found.host, None, found.url.scheme)
    again = Outside().target(asked)
    assert (again.place, str(again.url)) == (found.place, asked)


@settings(max_examples=150, deadline=None)
@given(st.lists(MARKUP, max_size=60).map("".join), st.booleans())
def test_any_page_is_written(html, is_plain):
    """Whatever is open, closed or broken in it."""
    found = write(html, "http://h.example/", plain=is_plain)
    assert found.text == found.text.strip("\n")
    assert "\n\n\n" not in found.text
    assert len(found.text) < 60 * (len(html) + 10)
