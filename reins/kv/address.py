"""The address of a store: read without ever being shown whole, as it may hold a password."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from reins.kv.errors import KVError


@dataclass(frozen=True, slots=True)
class Address:
    """`shown` is what may be said of `url`: no user, no password, no options."""

    url: str = field(repr=False)
    scheme: str
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def read(cls, url: str) -> Self:
        """Raises: KVError, which shows nothing of the address."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise _unreadable() from None
        if "@" in parts.path + parts.query + parts.fragment:
            raise _unreadable()  # a sign of the password has ended the host's part
        host = parts.netloc.rpartition("@")[2]
        shown = f"{parts.scheme}://{host}{parts.path}"
        return cls(url, parts.scheme, shown, tuple(_secrets(parts)))

    def without_secrets(self, text: object) -> str:
        """The words of a driver, in one line and without the password."""
        said = str(text)
        for secret in self.secrets:
            said = said.replace(secret, "***")
        return " ".join(said.split()).rstrip(".")


def _secrets(parts: SplitResult) -> Iterator[str]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    given = [password or (user if parts.scheme.startswith("redis") else "")]
    given += [value for name, value in parse_qsl(parts.query) if "pass" in name]
    for secret in given:
        if secret:
            yield from {secret, unquote(secret)}


def _unreadable() -> KVError:
    return KVError(
        "the address of the store cannot be read. In user and password, write each sign but "
        "letters, digits, '-', '.', '_' and '~' as % and two hex digits: '@' is %40, '/' is %2F"
    )
