"""A visitor behind a proxy with TLS: does what a browser does, with the address it shows."""

import contextlib
import http.client
import json
import re
import socket
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from tests.integration.web.serving import SOCKET, Raw
from tests.support.proxies.servers import unverified


class _Here(http.client.HTTPSConnection):
    """Any name leads to this machine."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), 20)
        self.sock = unverified().wrap_socket(plain, server_hostname=self.host)


class Visitor:
    """Knows an address that ends with a slash, the port behind it on this machine, a cookie."""

    def __init__(self, url: str, port: int) -> None:
        self.url, self.port = url, port
        self._parts = urlsplit(url)
        self._cookie: str | None = None

    @property
    def origin(self) -> str:
        return f"https://{self._parts.netloc}"

    def get(self, address: str, **headers: str | None) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body; the address may be one below its own."""
        return self._ask("GET", address, None, headers)

    def act(
        self, address: str, body: Any, **headers: str | None
    ) -> tuple[int, dict[str, str], Any]:
        given = {"Content-Type": "application/json", "Origin": self.origin, **headers}
        return self._ask("POST", address, json.dumps(body), given)

    def enter(self, token: str, address: str = "sessions/ada?seq=1") -> set[str]:
        """Fill in the page that asks for the token; the cookie's attributes."""
        form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html",
                "Origin": self.origin}  # fmt: skip
        wrong = self._ask("POST", address, urlencode({"token": "wrong"}), form)
        assert wrong[0] == 401
        assert "not the right one" in wrong[2]
        status, headers, _ = self._ask("POST", address, urlencode({"token": token}), form)
        assert status == 303
        asked = self.url + address
        assert urljoin(asked, headers["location"]) == asked
        self._cookie, *attributes = headers["set-cookie"].split("; ")
        [path] = [each for each in attributes if each.startswith("Path=")]
        assert self._parts.path.startswith(path.removeprefix("Path="))
        return set(attributes)

    def socket(self, **headers: str | None) -> Raw:
        given = {"Host": self._parts.netloc, "Origin": self.origin, "Cookie": self._cookie}
        path = self._parts.path.rstrip("/") + SOCKET
        return Raw(self.port, path=path, tls=str(self._parts.hostname), **{**given, **headers})

    def first_of(self, address: str) -> bytes:
        """The first bytes of an answer that goes on."""
        with contextlib.closing(self._connection()) as connection:
            connection.request("GET", self._parts.path + address, headers=self._headers({}))
            return connection.getresponse().read1(1_000)

    def _ask(
        self, method: str, address: str, body: str | None, headers: dict[str, str | None]
    ) -> tuple[int, dict[str, str], Any]:
        absolute = address if "://" in address else self.url + address
        path = re.sub(r"^https://[^/]+", "", absolute)
        with contextlib.closing(self._connection()) as connection:
            connection.request(method, path, body, self._headers(headers))
            answer = connection.getresponse()
            text = answer.read().decode()
        found = {name.lower(): value for name, value in reversed(answer.getheaders())}
        is_json = "json" in found.get("content-type", "")
        return answer.status, found, json.loads(text) if is_json else text

    def _headers(self, given: dict[str, str | None]) -> dict[str, str]:
        all_of_them = {"Host": self._parts.netloc, "Cookie": self._cookie, **given}
        return {name: value for name, value in all_of_them.items() if value is not None}

    def _connection(self) -> http.client.HTTPSConnection:
        return _Here(str(self._parts.hostname), self.port, timeout=20)
