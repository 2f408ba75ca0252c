"""The proxy of a route is the one that the usual variables name."""

import pytest

from reins.llm.wire.proxies import ProxyError, proxy_for

HTTP, HTTPS = {"HTTP_PROXY": "http://p:1"}, {"HTTPS_PROXY": "http://p:2"}
ALL = {"ALL_PROXY": "http://p:3"}


@pytest.mark.parametrize(
    ("address", "environ", "expected"),
    [
        ("http://h/v1", {}, None),
        ("http://h/v1", HTTP, "http://p:1"),
        ("https://h/v1", HTTP, None),
        ("https://h/v1", HTTPS, "http://p:2"),
        ("https://h/v1", ALL, "http://p:3"),
        ("https://h/v1", {**HTTPS, **ALL}, "http://p:2"),
        ("https://h/v1", {"https_proxy": "http://small:1", **HTTPS}, "http://small:1"),
        ("http://h/v1", {"HTTP_PROXY": "p:8080"}, "http://p:8080"),
        ("http://h/v1", {"HTTP_PROXY": "http://p:1\r"}, "http://p:1"),
        ("http://h/v1", {"HTTP_PROXY": " "}, None),
        ("http://localhost:1/v1", HTTP, None),
        ("http://127.0.0.1:1/v1", HTTP, None),
        ("http://[::1]:1/v1", HTTP, None),
        ("http://h/v1", {**HTTP, "NO_PROXY": "h"}, None),
        ("http://a.h/v1", {**HTTP, "NO_PROXY": "x, h"}, None),
        ("http://a.h/v1", {**HTTP, "no_proxy": ".h"}, None),
        ("http://a.h/v1", {**HTTP, "no_proxy": "*.h"}, None),
        ("http://ah/v1", {**HTTP, "NO_PROXY": "h"}, "http://p:1"),
        ("http://H/v1", {**HTTP, "NO_PROXY": "h"}, None),
        ("http://h:9/v1", {**HTTP, "NO_PROXY": "h:9"}, None),
        ("http://h:8/v1", {**HTTP, "NO_PROXY": "h:9"}, "http://p:1"),
        ("http://h/v1", {**HTTP, "NO_PROXY": "*"}, None),
        ("http://10.1.2.3/v1", {**HTTP, "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://11.1.2.3/v1", {**HTTP, "NO_PROXY": "10.0.0.0/8"}, "http://p:1"),
        ("http://10.1.2.3/v1", {**HTTP, "NO_PROXY": "10.1.2.3"}, None),
        ("http://[fd00::1]/v1", {**HTTP, "NO_PROXY": "fd00::/8"}, None),
        ("http://h/v1", {**HTTP, "NO_PROXY": ""}, "http://p:1"),
    ],
)
def test_which_proxy(address: str, environ: dict[str, str], expected: str | None) -> None:
    """By scheme, small letters before capital ones, and none for what NO_PROXY names."""
    assert proxy_for(address, environ) == expected


@pytest.mark.parametrize(
    "proxy", ["socks5://u:secret@p:1", "http://", "http://p:99999", "http://p:0"]
)
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    """What is no proxy by HTTP is named, without its password."""
    with pytest.raises(ProxyError, match="ALL_PROXY is") as caught:
        proxy_for("https://h/v1", {"ALL_PROXY": proxy})
    assert "secret" not in str(caught.value)
