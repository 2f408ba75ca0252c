"""Hosts and places as settings name them for tools."""

import pytest

from reins.web_address import valid_host_pattern, valid_place


@pytest.mark.parametrize(
    ("given", "pattern"),
    [
        ("*", "*"), ("Docs.Python.org", "docs.python.org"), ("*.python.org", "*.python.org"),
        ("münchen.example", "xn--mnchen-3ya.example"), ("1.1.1.1", "1.1.1.1"),
        ("2606:4700::1111", "2606:4700::1111"),
    ],
)  # fmt: skip
def test_patterns_of_hosts(given, pattern):
    assert valid_host_pattern(given) == pattern


@pytest.mark.parametrize(
    "given",
    ["", "https://a.example", "a.example/x", "a.example:443", "a.*.example", "**", "*.", "a b"],
)
def test_what_names_no_hosts(given):
    with pytest.raises(ValueError, match="expected one such as"):
        valid_host_pattern(given)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("localhost:8080", "localhost:8080"), ("Wiki.Corp:80", "wiki.corp:80"),
        ("127.0.0.1:1", "127.0.0.1:1"), ("[::0001]:8080", "[::1]:8080"),
    ],
)  # fmt: skip
def test_places(given, place):
    assert valid_place(given) == place


@pytest.mark.parametrize(
    "given", ["localhost", "::1", "http://a:1", "a:99999", "a:", ":80", "*:80"]
)
def test_what_is_no_place(given):
    with pytest.raises(ValueError, match="expected one such as"):
        valid_place(given)
