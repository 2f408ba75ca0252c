"""Proxies in front: what trusted ones say of a request, and the path under which they serve us."""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_to_bytes

from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

from reins.web.framing import path_as_sent
from reins.web_address import host_and_port, is_path_prefix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FORWARDED = "HTTP_X_FORWARDED_"
_IGNORED = "reins.ignored_proxy"
_ORIGINAL = "werkzeug.proxy_fix.orig"
_PORT = "reins.forwarded_port"
_PREFIX_LACKS = "reins.prefix_lacks"
_WHOLE_PATH = "reins.whole_path"
_SCHEMES = ("http", "https")
_AS_SENT = "/%!$&'()*+,;=:@~"


class Proxies:
    """WSGI middleware before all others: the request as the browser sent it to the first proxy.

    `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix` count where the peer is trusted; of anybody
    else they are removed, so that nothing behind heeds them. The prefix of the setting goes before
    that of the header; a proxy may leave it on the path, or take it off.
    """

    def __init__(self, app: "WSGIApplication", *, trusted: Iterable[str], prefix: str) -> None:
        self._app = app
        self._trusted = [ipaddress.ip_network(each) for each in trusted]
        self._prefix = prefix

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        peer = str(environ.get("REMOTE_ADDR", ""))
        if not self._trusts(peer):
            self._forget(environ, peer)
            return self._served(environ, start_response)
        hops = self._hops(environ)
        # With as many values as it has, where they are fewer: a proxy may replace what it was sent.
        fix = ProxyFix(
            self._served,
            x_for=0,
            x_proto=_counted(environ, "PROTO", hops),
            x_host=_counted(environ, "HOST", hops),
            x_prefix=_counted(environ, "PREFIX", hops),
        )
        if ports := _values(environ, "PORT"):
            environ[_PORT] = ports[-min(hops, len(ports))]
        return fix(environ, start_response)

    def _served(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if environ.get("wsgi.url_scheme") not in _SCHEMES:
            environ["wsgi.url_scheme"] = "http"
        given = str(environ.get("SCRIPT_NAME", "")).rstrip("/")
        prefix = self._prefix or (given if is_path_prefix(given) else "")
        environ["SCRIPT_NAME"] = prefix
        taken_off = bool(prefix) and _take_off(environ, prefix)
        environ[_PREFIX_LACKS] = bool(self._prefix) and not taken_off
        return self._app(environ, start_response)

    def _trusts(self, address: str) -> bool:
        named = host_and_port(address)  # some note the port, too
        try:
            found = ipaddress.ip_address(address if named is None else named[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self._trusted)

    def _hops(self, environ: "WSGIEnvironment") -> int:
        """The trusted proxies in a row before us: each notes from whom it had the request."""
        hops = 1
        for address in reversed(_values(environ, "FOR")):
            if not self._trusts(address):
                break
            hops += 1
        return hops

    @staticmethod
    def _forget(environ: "WSGIEnvironment", peer: str) -> None:
        names = [name for name in environ if name.startswith(_FORWARDED)]
        for name in names:
            del environ[name]
        if names:
            environ[_IGNORED] = peer


def asked_hosts(environ: "WSGIEnvironment") -> list[str]:
    """The Host that the browser sent; where a trusted proxy had to tell it, also the proxy's own.

    Both have to be served: a proxy that hands on a header of the browser's would else let a page
    of another name say for which name it asks.
    """
    own = environ.get(_ORIGINAL, {}).get("HTTP_HOST")
    return [environ.get("HTTP_HOST", ""), *([own or ""] if _ORIGINAL in environ else [])]


def way_to_start(environ: "WSGIEnvironment") -> str:
    """The address of our start, as a path from the address that was asked for.

    Relative, since the path in the browser may be written in another way, or be longer, where a
    proxy takes a part of it off and does not say so.
    """
    folders = path_as_sent(environ).count("/") - 1
    return "../" * folders or _bare_prefix(environ) or "./"


def here(environ: "WSGIEnvironment") -> str:
    """The address that was asked for, without its query, as a path from itself."""
    path = path_as_sent(environ)
    if environ.get(_PREFIX_LACKS):
        # Asked for directly, or taken off by a proxy: with the prefix it is served in both cases.
        return quote(f"{environ['SCRIPT_NAME']}{path}", safe=_AS_SENT)
    return _bare_prefix(environ) or quote(f"./{path.rpartition('/')[2]}", safe=_AS_SENT)


def _bare_prefix(environ: "WSGIEnvironment") -> str:
    """The way to the start from a prefix without a slash at its end; empty for any other path."""
    whole = str(environ.get(_WHOLE_PATH, "/"))
    if whole.endswith("/") or path_as_sent(environ) != "/":
        return ""
    return quote(f"./{whole.rpartition('/')[2]}/", safe=_AS_SENT)


def forwarded_port(environ: "WSGIEnvironment") -> str:
    """The port of the address in the browser, as a trusted proxy said; empty if none did."""
    return str(environ.get(_PORT, ""))


def hint(environ: "WSGIEnvironment") -> str:
    """A sentence for whoever is refused, where headers of a proxy were not heeded."""
    if (peer := environ.get(_IGNORED)) is None:
        return ""
    return (
        f" X-Forwarded headers came from {peer}, which is not among REINS_TRUSTED_PROXIES: "
        "they were not heeded."
    )


def _values(environ: "WSGIEnvironment", name: str) -> list[str]:
    return parse_list_header(str(environ.get(_FORWARDED + name, "")))


def _counted(environ: "WSGIEnvironment", name: str, hops: int) -> int:
    return min(hops, len(_values(environ, name)))


def _take_off(environ: "WSGIEnvironment", prefix: str) -> bool:
    """Take the prefix off the path, if the proxy has left it there; true if it had."""
    path = path_as_sent(environ)
    parts, wanted = path.split("/"), prefix.split("/")
    count = len(wanted)
    if [unquote(part) for part in parts[:count]] != [unquote(part) for part in wanted]:
        return False
    rest = "/" + "/".join(parts[count:])
    query = str(environ.get("QUERY_STRING", ""))
    environ[_WHOLE_PATH] = path
    environ["REQUEST_URI"] = environ["RAW_URI"] = f"{rest}?{query}" if query else rest
    environ["PATH_INFO"] = unquote_to_bytes(rest).decode("latin-1")
    return True
