"""Errors that a server sends with the status of a success, in a body or as an event of a stream."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NAMES = ("code", "type", "status", "error_type", "reason", "status_code", "statusCode",
         "error_code", "errorCode", "http_status", "http_code")  # fmt: skip
MESSAGES = ("message", "msg", "error_msg", "detail", "error", "title", "description",
            "status_msg", "error_message", "errorMessage", "raw")  # fmt: skip
HOLDERS = ("error", "errors", "fault", "base_resp", "detail", "metadata")
"""Fields in which an error may stand, each as an object, a list of them, or in words."""

GOOD = frozenset({"ok", "OK", "success", "completed", "200", 200})
ONLY_WORDS = frozenset({"message", "msg", "path", "request_id", "requestId", "timestamp"})
STATUS_IN_CODE = re.compile(r"([45]\d\d)(?:\d\d)?")
"""Some number their errors in five digits, of which the first three are HTTP's."""

MAX_CHARS = 2_000
MAX_HELD = 8
MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as its server puts it: a status of HTTP, the names it gives itself, its words.

    Names and words may quote anything: they are read, and never shown.
    """

    status: int | None = None
    names: str = ""
    words: str = ""


def fault_in(value: dict[str, Any]) -> Fault | None:
    """The error that an object is or holds; None for one that holds none."""
    if (error := value.get("error")) and _is_error(error):
        return fault_of(error, beside=value)
    inside = value.get("base_resp")  # MiniMax: in every answer, 0 in good ones
    if isinstance(inside, dict) and _is_error(inside.get("status_code")):
        return fault_of(inside)
    for choice in _choices(value):
        for holder in (choice, choice.get("message"), choice.get("delta")):
            if isinstance(holder, dict) and (error := holder.get("error")) and _is_error(error):
                return fault_of(error)
    return fault_of(value) if _is_all_error(value) else None


def fault_of(error: object, *, beside: dict[str, Any] | None = None) -> Fault:
    """The error in a value of any shape; `beside` is the object that it stands in."""
    found = [*_said(error, 0), *_said(_scalars(beside or {}), 0)]
    names = [text for is_name, text in found if is_name]
    statuses = [status for name in names if (status := _status(name)) is not None]
    words = " ".join(text for is_name, text in found if not is_name)
    return Fault(next(iter(statuses), None), " ".join(names)[:MAX_CHARS], words[:MAX_CHARS])


def _is_error(value: object, depth: int = 0) -> bool:
    """False for the empty errors that some put into every answer."""
    if isinstance(value, (dict, list)):
        inside = list(value.values()) if isinstance(value, dict) else value
        return depth > MAX_DEPTH or any(_is_error(inner, depth + 1) for inner in inside)
    return value not in {None, "", 0, "0", "null", "None"}


def _is_all_error(value: dict[str, Any]) -> bool:
    """True of an object that is nothing but an error, whatever its fields are called."""
    if value.get("choices") or value.get("candidates") or value.get("content"):
        return False
    if "error" in (value.get("type"), value.get("object")) or value.get("success") is False:
        return True
    if any(_is_error(value.get(name)) for name in ("error_code", "error_msg", "errors", "fault")):
        return True
    if isinstance(value.get("detail"), (str, list, dict)) and value["detail"]:
        return True
    if not any(isinstance(value.get(name), str) and value[name] for name in ("message", "msg")):
        return False
    named = any(_is_error(found) and found not in GOOD for found in _scalars(value).values())
    return named or value.keys() <= ONLY_WORDS


def _said(value: object, depth: int) -> Iterator[tuple[bool, str]]:
    """The names (True) and words (False) of an error, its own before those that it holds."""
    if isinstance(value, str):
        yield False, value[:MAX_CHARS]
        return
    held: list[object] = value[:MAX_HELD] if isinstance(value, list) else []
    if isinstance(value, dict):
        yield from ((True, str(name)[:100]) for name in _scalars(value).values() if name)
        yield from ((False, value[name]) for name in MESSAGES if isinstance(value.get(name), str))
        held = [value[name] for name in HOLDERS if isinstance(value.get(name), (dict, list))]
    if depth < MAX_DEPTH:
        for each in held:
            yield from _said(each, depth + 1)


def _scalars(value: dict[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in NAMES if isinstance(value.get(name), (str, int))}


def _status(name: str) -> int | None:
    found = STATUS_IN_CODE.fullmatch(name.strip())
    return int(found[1]) if found else None


def _choices(value: dict[str, Any]) -> list[dict[str, Any]]:
    choices = value.get("choices")
    if not isinstance(choices, list):
        return []
    return [choice for choice in choices[:MAX_HELD] if isinstance(choice, dict)]
