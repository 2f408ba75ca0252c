"""Calls as rows of the log have them: a line, a key, a hash, and what they are about."""

import hashlib
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from agent_core.session.decisions import Aspects
from agents_impl.task.models import Call, Pending
from reins.tools.outcome import ToolError, bounded
from reins.tools.programs import holds_a_command
from reins.tools.tool import Tool
from reins.tools.web.outside import target_of

LINE_CHARS = 120
PREVIEW_BYTES = 40 * 1024
MAX_ARGUMENTS_BYTES = 180 * 1024
"""Of one call: an intent's row holds them, with its thought."""
KEPT_ARGUMENTS_BYTES = 8 * 1024
"""Larger ones are in the row of the intent alone, not in each snapshot."""
UNSURE = "?"
"""Beside a host in an address that programs may read in two ways: no pattern of hosts fits it."""
_CODE = ("argv", "code", "command", "script")
"""Arguments that are code where they are a text."""
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
    command = tuple(argv) if isinstance(argv, list) and is_argv else None
    return Aspects(
        argv=command,
        paths=(path, *leads_to) if isinstance(path, str) else (),
        hosts=_hosts_of(arguments),
        shell=tool.name == "run_shell"
        or bool(command and holds_a_command(command, str(arguments.get("stdin", "")))),
        code=any(isinstance(arguments.get(name), str) for name in _CODE),
        call=same_call(tool, arguments),
        spec=digest(tool.spec()),
    )


def same_call(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """A name for the call, whatever it finds, however it is written and however long it may take.

    Defaults that are spelled out make no other call of it.
    """
    try:
        taken = tool.filled(arguments)
    except ToolError:  # such a call is not made
        taken = dict(arguments)
    taken.pop("timeout_s", None)
    return digest([tool.name, taken])


def _hosts_of(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The host as a request would reach it: in small letters of ASCII, without a last dot.

    Beside that of an address which is read in two ways there is one that no rule allows.
    """
    url = arguments.get("url")
    if not isinstance(url, str):
        return ()
    try:
        return (target_of(url).host,)
    except ToolError:
        return _hosts_in(url)


def _hosts_in(url: str) -> tuple[str, ...]:
    try:
        host = urlsplit(unicodedata.normalize("NFKC", url.strip())).hostname or ""
        host = host.encode("idna").decode()
    except ValueError:  # also one that cannot be a name
        return ()
    return (host.rstrip("."), UNSURE) if host else ()


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
