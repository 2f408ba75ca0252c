"""Calls as rows of the log have them: a line, a key, a hash, and what they are about."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from agent_core.session.decisions import Aspects
from agents_impl.task.models import Call, Pending
from reins.tools.outcome import bounded
from reins.tools.tool import Tool

LINE_CHARS = 120
PREVIEW_BYTES = 40 * 1024
MAX_ARGUMENTS_BYTES = 180 * 1024
"""Of one call: an intent's row holds them, with its thought."""
KEPT_ARGUMENTS_BYTES = 8 * 1024
"""Larger ones are in the row of the intent alone, not in each snapshot."""
_ONLY_FIELDS = {"kind": "fields", "cut": True}
_NAMESPACE = uuid.UUID("1f3f6c1e-5d0f-4b0a-9a55-5f2f0c6f2b7d")


def call_line(tool: str, arguments: Mapping[str, Any]) -> str:
    """The call in a line for people, such as `write_file src/parse.py`."""
    words = [tool]
    for value in arguments.values():
        if isinstance(value, str):
            words.append(value)
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            words += value
    line = " ".join(" ".join(words).split())
    return line if len(line) <= LINE_CHARS else f"{line[: LINE_CHARS - 1]}…"


def key_of(session_id: str, born_at: int, seq: int) -> str:
    """The idempotency key of the call that row `seq` announces; another for each life."""
    call = f"{session_id}\n{born_at}\n{seq}"
    return f"call_{uuid.uuid5(_NAMESPACE, call).hex}"


def digest(value: Any) -> str:
    """A name for a value of JSON, whatever the order of its keys."""
    plain = orjson.dumps(value, default=repr, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(plain).hexdigest()[:32]


def size_bytes(arguments: Mapping[str, Any]) -> int:
    return len(orjson.dumps(arguments, default=repr, option=orjson.OPT_NON_STR_KEYS))


def as_payload(call: Call) -> dict[str, Any]:
    """The call in a row; arguments that are in another row alone are left out."""
    return call.model_dump(exclude_none=True)


def kept(pending: Pending) -> Pending:
    """The call as a snapshot keeps it: without large arguments, which its row has."""
    arguments = pending.call.arguments
    if arguments is None or size_bytes(arguments) <= KEPT_ARGUMENTS_BYTES:
        return pending
    call = pending.call.model_copy(update={"arguments": None})
    return pending.model_copy(update={"call": call})


def changed_file(tool: Tool, arguments: Mapping[str, Any]) -> str | None:
    """The file that the call has changed, by its argument `path`; None where it changes none."""
    path = arguments.get("path")
    return path if tool.policy.risk and isinstance(path, str) else None


def aspects_of(tool: Tool, arguments: Mapping[str, Any], leads_to: Sequence[str] = ()) -> Aspects:
    """The parts of the call that a rule can fix, by the names of its arguments.

    `leads_to` are the paths to which its own leads over links: a rule that allows must hold for
    both, one that denies for either.
    """
    argv, path = arguments.get("argv"), arguments.get("path")
    is_argv = isinstance(argv, list) and all(isinstance(each, str) for each in argv)
    return Aspects(
        argv=tuple(argv) if isinstance(argv, list) and is_argv else None,
        paths=(path, *leads_to) if isinstance(path, str) else (),
        hosts=_hosts_of(arguments),
        shell=tool.name == "run_shell",
        spec=digest(tool.spec()),
    )


def _hosts_of(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    url = arguments.get("url")
    try:
        host = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return ()
    return () if host is None else (host,)


def preview_within(preview: Mapping[str, Any], most_bytes: int = PREVIEW_BYTES) -> dict[str, Any]:
    """The preview as an item of the inbox holds it. `cut`: the call's own arguments say the rest.

    Long texts are cut; what is long in another way is left out, and fields are shown instead.
    """
    if size_bytes(preview) <= most_bytes:
        return dict(preview)
    each = most_bytes // max(1, len(preview)) // 2
    cut = {
        name: bounded(value, each) if isinstance(value, str) else value
        for name, value in preview.items()
    } | {"cut": True}
    if size_bytes(cut) <= most_bytes:
        return cut
    kept = {name: value for name, value in cut.items() if size_bytes({name: value}) <= each}
    least = {**kept, **_ONLY_FIELDS}
    return least if size_bytes(least) <= most_bytes else {**_ONLY_FIELDS}
