"""Sources that wake an agent: the forms of the entries of its `on`."""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from agent_core.actions.ids import ActionError
from agent_core.actions.topics import checked_pattern
from agent_core.actions.when import own_when, read_interval_us, read_when

MAX_ENTRY = 1_024
_HOOK = re.compile(r"webhook:[A-Za-z0-9_-]{1,64}")
_URL = re.compile(r"url:(https?://\S+)(?: (every) ([0-9]+[smhd]))?")
_KINDS = (
    "topic:, every:, cron:, webhook:, file: or url: and what each takes, such as topic:orders.*"
)
URL_EVERY = "every:60s"


class Asked(NamedTuple):
    """An address to ask, and how often."""

    url: str
    interval_us: int


def checked_entry(value: str) -> str:
    """`value` as one of the things that wake an agent. Raises: ActionError."""
    kind = value.partition(":")[0]
    match kind:
        case "topic":
            return checked_pattern(value)
        case "every" | "cron":
            read_when(*own_when(value))
        case "webhook":
            if not _HOOK.fullmatch(value):
                raise ActionError(
                    f"on is {value!r:.160}; expected webhook: and letters, digits, _ or -"
                )
        case "file":
            folder_of(value)
        case "url":
            read_url(value)
        case _:
            raise ActionError(f"on is {value!r:.160}; expected {_KINDS}")
    return value


def folder_of(entry: str) -> tuple[str, str]:
    """The folder of `file:FOLDER/GLOB`, and the pattern of paths in it. Raises: ActionError."""
    parts = entry.removeprefix("file:").split("/")
    first = next((at for at, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
    folder, pattern = "/".join(parts[:first]), "/".join(parts[first:])
    if not folder or not pattern or "\0" in entry or ".." in parts:
        raise ActionError(
            f"on is {entry!r:.160}; expected file:, a folder and a pattern, such as "
            "file:inbox/*.txt or file:/srv/inbox/**/*.csv, without .."
        )
    return folder, pattern


def read_url(entry: str) -> Asked:
    """The address of `url:https://… every 60s`, and how often it is asked. Raises: ActionError."""
    found = _URL.fullmatch(entry)
    if found is None:
        raise ActionError(
            f"on is {entry!r:.160}; expected url: and an address, such as "
            "url:https://example.org/status every 60s"
        )
    every = f"every:{found[3]}" if found[2] else URL_EVERY
    return Asked(found[1], read_interval_us(every))


Wakes = Annotated[
    str,
    Field(
        max_length=MAX_ENTRY,
        json_schema_extra={"pattern": r"^(?:topic|every|cron|webhook|file|url):"},
    ),
    AfterValidator(checked_entry),
]
"""An entry of an agent's `on`."""
