"""The reason why no request came through, in words: what fails before HTTP is told apart."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from reins.llm.wire.errors import UnconnectedError

CLOSED = "the connection was closed before an answer"
BROKE = "the connection broke in the middle of the answer"

NO_TLS = frozenset({
    "WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST",
    "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE", "BAD_RECORD_TYPE",
})  # fmt: skip
"""Names that OpenSSL has for what is no TLS at all."""

TLS_EXPECTED = (
    "http request to an https server",  # Go
    "plain http request was sent to https port",  # nginx
    "speaking plain http to an ssl-enabled server",  # Apache
    "this combination of host and port requires tls",  # Tomcat
)
TLS_ALERT = ("\\x15\\x03", "\x15\x03")
"""How the alert of a server that speaks TLS begins."""

EXPIRED = 10
NOT_YET = 9
WRONG_NAME = (62, 64)
"""OpenSSL's codes of certificates that no trust would mend."""

TRUST = (
    "Name the file of its certificate authority with SSL_CERT_FILE for all routes, or with ca_file "
    "for this one."
)


def broken_off(error: BaseException) -> UnconnectedError:
    """The failure of an answer that had begun."""
    causes = [each.reason for each in _causes(error) if isinstance(each, ssl.SSLError)]
    return UnconnectedError(f"{BROKE} ({causes[0]})" if causes else BROKE)


def unconnected(
    error: BaseException, address: str, *, unread: Sequence[str] = (), connect_s: float = 0
) -> UnconnectedError:
    """The failure of a request, from what the client raised; `unread` are sources of certificates
    that could not be read.
    """
    causes = list(_causes(error))
    told = (_told(cause, address, unread, connect_s) for cause in causes)
    if (first := next(filter(None, told), None)) is not None:
        return first
    if any(sign in str(cause) for cause in causes for sign in TLS_ALERT):
        return speaks_tls()
    refused = getattr(error, "status", 0)
    if refused and type(error).__name__ == "ClientHttpProxyError":
        return UnconnectedError(
            f"the proxy answered {refused}", "Check the proxy and its password."
        )
    hint = None
    if address.startswith("http://"):
        hint = "Check that the server runs. If it speaks TLS, write https:// in the address."
    return UnconnectedError(CLOSED, hint)


def _told(
    cause: BaseException, address: str, unread: Sequence[str], connect_s: float
) -> UnconnectedError | None:
    """The failure that one cause tells; None if it tells nothing by itself."""
    at = _place(address)
    match cause:
        case ssl.SSLCertVerificationError():
            return _of_certificate(cause, unread)
        case ssl.SSLError():
            return _of_tls(cause)
        case socket.gaierror():
            return _of_name(cause, address)
        case ConnectionRefusedError():
            what, advice = f"nothing listens at {at} (connection refused)", None
        case TimeoutError():
            what = f"no connection to {at} within {connect_s:g} s"
            advice = "Check the address, the network and its firewall."
        case OSError(strerror=str(words)) if not isinstance(cause, ConnectionError):
            what, advice = f"no connection to {at} ({words})", "Check the address and the network."
        case _:
            return None
    return UnconnectedError(what, advice)


def expects_tls(status: int, body: str) -> bool:
    """True if a server refused a request only because it came without TLS."""
    return status in {400, 403, 426} and any(words in body.lower() for words in TLS_EXPECTED)


def speaks_tls() -> UnconnectedError:
    return UnconnectedError(
        "the server speaks TLS, and the address is a plain one", "Write https:// in the address."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was raised from, without the client's own wrappers."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        inner = (getattr(each, "certificate_error", None), getattr(each, "os_error", None))
        waiting += [*inner, each.__cause__, each.__context__]
        if not hasattr(each, "os_error"):
            yield each


def _of_certificate(error: ssl.SSLCertVerificationError, unread: Sequence[str]) -> UnconnectedError:
    why = (error.verify_message or error.reason or "not accepted").rstrip(".")
    told = f"the server's certificate is not trusted: {why}"
    if error.verify_code in WRONG_NAME or "mismatch" in why.lower():
        return UnconnectedError(told, "Check the address: it must be a name in the certificate.")
    if error.verify_code in (EXPIRED, NOT_YET):
        return UnconnectedError(told, "Renew the certificate, or set this machine's clock right.")
    return UnconnectedError(told, " ".join([TRUST, *(f"{each}." for each in unread)]))


def _of_tls(error: ssl.SSLError) -> UnconnectedError:
    reason = (error.reason or "").upper()
    if reason in NO_TLS:
        return UnconnectedError(
            "the server does not speak TLS there", "Write http:// in the address, or another port."
        )
    if "CERTIFICATE" in reason:
        return UnconnectedError(
            f"the server asks for a certificate of ours or refused it ({reason})",
            "Certificates of clients are not supported; take a proxy that has one.",
        )
    words = reason or str(error.strerror or "it was closed")
    return UnconnectedError(f"no TLS session came about ({words})", "Check the server's TLS.")


def _of_name(error: socket.gaierror, address: str) -> UnconnectedError:
    host = urlsplit(address).hostname
    if error.errno == socket.EAI_AGAIN:
        return UnconnectedError(
            f"the name {host} could not be looked up just now", "Check the network and its DNS."
        )
    return UnconnectedError(f"the name {host} was not found", "Check the address and the DNS.")


def _place(address: str) -> str:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
