"""HTTP requests to the outside: each hop checked, connected to what was checked, bounded.

The check of an address and the connection go by one look-up: a name that answers differently the
second time leads nowhere else.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from yarl import URL

from reins.tools.outcome import ToolError
from reins.tools.web.outside import Outside, Target, refusal
from reins.tools.web.page import Page, Request

LookUp = Callable[[str, int], Awaitable[Sequence[tuple[Any, ...]]]]
"""A host and a port to addresses, in the form of `socket.getaddrinfo`. Raises: OSError."""


async def look_up(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """The addresses that the system knows for a host."""
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Makes requests to the outside. Each has connections of its own, and keeps none.

    `size_bytes` bounds an answer, packed as well as unpacked; `time_s` the whole of a request.
    """

    outside: Outside
    size_bytes: int = 2 << 20
    time_s: float = 20.0
    look_up: LookUp = look_up

    async def fetch(self, request: Request) -> Page:
        """Make a request, following where it is moved. Raises: ToolError."""
        url: str | URL = request.url
        try:
            async with asyncio.timeout(self.time_s):
                for _ in range(request.redirects + 1):
                    target = self.outside.target(url)
                    found = await self._hop(target, request)
                    if isinstance(found, Page):
                        return found
                    url = _next(target, found)
                    if not request.elsewhere:
                        _refuse_another_host(target, url)
        except TimeoutError:
            told = f"{_host(url)} did not give its whole answer within {self.time_s:g} s"
            raise ToolError(told, retry=True) from None
        if request.redirects:
            raise ToolError(f"{request.url[:500]}: more than {request.redirects} redirects")
        raise ToolError(f"{_host(request.url)} moved to {str(url)[:500]!r}, which is not followed")

    async def _hop(self, target: Target, request: Request) -> Page | str:
        """An answer, or the address to which the request is moved."""
        addresses = await self._checked(target)
        # Late and in a thread: its import takes longer than that of all other tools together.
        hop = await asyncio.to_thread(import_module, "reins.tools.web.hop")
        found: Page | str = await hop.Hop(target, addresses, self.outside, self.size_bytes).ask(
            request
        )
        return found

    async def _checked(self, target: Target) -> Sequence[Sequence[Any]]:
        """The addresses that may be connected to; all that the name has are looked at once."""
        try:
            found = await self.look_up(target.host, target.port)
        except OSError as error:
            again = error.errno == socket.EAI_AGAIN
            said = error.strerror or error
            raise ToolError(f"{target.host} is not found: {said}", retry=again) from None
        except UnicodeError as error:
            raise ToolError(f"{target.host[:100]} is no name of a host: {error}") from None
        allowed = [each for each in found if self.outside.allows(target, each[4][0])]
        if not allowed:
            raise refusal(target)
        return allowed


def _next(target: Target, moved: str) -> URL:
    """The address to which an answer moves its request. Raises: ToolError."""
    try:
        url = target.url.join(URL(moved.strip()))
    except ValueError:
        raise ToolError(f"{target.host} moves to {moved[:200]!r}, which is no address") from None
    if target.url.scheme == "https" and url.scheme == "http":
        raise ToolError(
            f"{target.host} moves from https to {str(url)[:500]!r}, which anybody on the way can "
            "read and change; ask that address itself if it is wanted"
        )
    return url


def _refuse_another_host(target: Target, url: URL) -> None:
    """Raises: ToolError. Who agreed to a host, or made a rule for it, agreed to no other."""
    host = (url.host or "").rstrip(".").lower()
    if host.removeprefix("www.") != target.host.removeprefix("www."):
        raise ToolError(
            f"{target.host} moves to {str(url)[:500]!r}, another host, to which nobody has agreed; "
            "ask that address itself if it is wanted"
        )


def _host(url: str | URL) -> str:
    try:
        return URL(url).host or str(url)[:100] if isinstance(url, str) else url.host or ""
    except ValueError:
        return str(url)[:100]
