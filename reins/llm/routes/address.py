"""A route's address: checked, and shown without what in it is secret."""

from urllib.parse import urlsplit, urlunsplit

from reins.llm.errors import ModelConfigError
from reins.llm.settings import RouteSpec

KEY_CHARS = 20
"""A text of this length without / or : in the place of an address may be a key."""


def checked_address(spec: RouteSpec, usual: str) -> str:
    """The address of a route; `usual` is its provider's own, if it has one.

    Raises: ModelConfigError.
    """
    if spec.base_url is None:
        if not usual:
            raise ModelConfigError(
                f"{spec.called('base_url')} is missing: provider {spec.provider} needs the "
                "server's address, such as http://localhost:8000/v1."
            )
        return usual
    address = spec.base_url.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0) and address.isprintable()
        usable = usable and "@" not in parts.path  # after a slash in a password
    except ValueError:
        usable = False
    if not usable or " " in address or parts.query or parts.fragment:
        raise ModelConfigError(
            f"{spec.called('base_url')} is {_quotable(spec.base_url)!r}; expected an http or "
            "https address without query, such as http://localhost:8000/v1."
        )
    return address


def has_password(address: str) -> bool:
    """True if it holds a user, with or without a password."""
    return "@" in urlsplit(address).netloc


def without_secrets(address: str) -> str:
    """The address without user, password, query and fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "(not an address)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _quotable(given: str) -> str:
    """A wrong address as it may be quoted: without what may be a password or a key."""
    _, at, shown = given.rpartition("@")
    shown = shown.partition("?")[0].partition("#")[0]
    if at:
        return f"…@{shown}"
    looks_like_a_key = len(given) >= KEY_CHARS and not set(given) & set("/:")
    return "(not an address)" if looks_like_a_key else shown
