"""A request to the outside, and what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `redirects` is how often it is followed to where it moved.

    `elsewhere` false: to other hosts it is not followed, but for a `www.` before the name.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    redirects: int = 5
    elsewhere: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, `cut` where it is too long; `url` is where it came from in the end."""

    url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes
    cut: bool = False
