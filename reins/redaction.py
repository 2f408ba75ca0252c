"""Secrets taken out of whatever is stored, sent or logged: one redactor for the process.

Journal, queue, log, web, spans, shell and the calls of models all ask it, so that a key which is
made known here once is known at every exit.
"""

import json
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from reins.secret_forms import forms_of, secrets_of, secrets_of_address

HIDDEN = "[key removed]"
SHORTEST = 8
"""Characters below which a secret is not looked for: it would black out words."""
_PLAIN = re.compile(r"[a-z_]{1,19}|[0-9.]{1,19}")
"""Neither is a word of small letters, nor a number: as passwords they guard little, and columns,
kinds of rows and figures look the same."""


class Redactor:
    """Finds these secrets, in their usual encodings, and puts a mark in their place."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(each for each in secrets if is_looked_for(each))
        forms = {form for secret in self.secrets for form in forms_of(secret)}
        # Longest first: one may begin with another.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered)))
        # What holds a form holds the form within it: that one is enough to look for.
        least = [each for each in ordered if not any(o in each for o in forms if o != each)]
        self._text_probes = tuple(least)
        self._probes = tuple(each.encode("utf-8", "surrogatepass") for each in least)
        self.longest = max(map(len, ordered), default=0)
        self._beginnings: frozenset[str] | None = None
        self._forms = ordered

    def holds(self, text: str) -> bool:
        """True if there is a secret in the text."""
        return any(map(text.__contains__, self._text_probes))

    def holds_bytes(self, data: bytes) -> bool:
        """True if there is a secret in the text, given as UTF-8."""
        # Each row on its way to the journal is asked about: no generator, and no turn of a loop.
        return any(map(data.__contains__, self._probes))

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(HIDDEN, text) if self.holds(text) else text

    def value(self, value: Any) -> Any:
        """Plain data without secrets; in a text that is JSON, only its texts change."""
        if isinstance(value, str):
            return self._text_or_json(value) if self.holds(value) else value
        if isinstance(value, dict):
            return {self.value(name): self.value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value

    def json(self, data: bytes) -> bytes:
        """JSON without secrets, and JSON still; what is none is taken as text."""
        if not self.holds_bytes(data):
            return data
        return self._text_or_json(data.decode("utf-8", "replace")).encode("utf-8", "replace")

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row without secrets. Its ids stay: another id would be another row's."""
        if not any(isinstance(each, str) and self.holds(each) for each in row.values()):
            return row
        return {
            name: each if name.endswith("_id") else self.value(each) for name, each in row.items()
        }

    def rows(self, lines: bytes) -> bytes:
        """Rows as JSON, one a line, without secrets."""
        if not self.holds_bytes(lines):
            return lines
        return b"\n".join(map(self._line, lines.split(b"\n")))

    def _line(self, line: bytes) -> bytes:
        if not self.holds_bytes(line):
            return line
        try:
            return _dumped(self.row(json.loads(line))).encode()
        except (ValueError, RecursionError, AttributeError):
            # No row at all: others will find that out, and a writer may not end over it.
            return self.json(line)

    def begins_at(self, text: str) -> int:
        """The place from which the text may be the beginning of a secret that goes on."""
        beginnings = self._known_beginnings()
        if text[-1:] not in beginnings and text[-2:] not in self._pairs:
            return len(text)  # as most do
        at = self._from(text, len(text) - self.longest + 1)
        for found in self._pattern.finditer(text):
            if found.start() < at < found.end():
                at = self._from(text, found.end())
        return at

    def _from(self, text: str, least: int) -> int:
        beginnings = self._known_beginnings()
        for at in range(max(0, least), len(text)):
            if text[at:] in beginnings:
                return at
        return len(text)

    def _known_beginnings(self) -> frozenset[str]:
        if self._beginnings is None:  # only streams ask for them
            self._pairs = frozenset(
                form[at : at + 2] for form in self._forms for at in range(len(form) - 1)
            )
            self._beginnings = frozenset(
                form[:length] for form in self._forms for length in range(1, len(form))
            )
        return self._beginnings

    def _text_or_json(self, text: str) -> str:
        # As text, a mark could come after a lone backslash and spoil all of it.
        if text.lstrip()[:1] in ("{", "["):
            try:
                return _dumped(self.value(json.loads(text)))
            except (ValueError, RecursionError):
                pass  # it only begins like JSON
        return self._pattern.sub(HIDDEN, text)


class Passage:
    """A text that comes in pieces, without secrets: one that the pieces cut is removed as well.

    What may be the beginning of a secret is held back until it is known to be none.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece; returns the text that can be shown now."""
        known = redactor()
        text = self._held + piece
        at = known.begins_at(text) if known.secrets else len(text)
        self._held = text[at:]
        return known.text(text[:at])

    def end(self) -> str:
        """The end has come; returns the text that was held back, and is no secret after all."""
        text, self._held = self._held, ""
        return redactor().text(text)


def is_looked_for(secret: str) -> bool:
    """True if a secret is long enough, and no plain word or number."""
    return len(secret) >= SHORTEST and not _PLAIN.fullmatch(secret)


def _dumped(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which only its escape can stand for
        return json.dumps(value, separators=(",", ":"))
    return text


_redactor = Redactor(())
"""One for the process: a key that anybody makes known is removed by everybody."""
_lock = threading.Lock()


def redactor() -> Redactor:
    """The redactor of all that is known to be secret at this moment."""
    return _redactor


def know(*secrets: str | None) -> None:
    """Remove these from now on, too; what was known stays so, as an old key may still open."""
    global _redactor  # noqa: PLW0603 - see `_redactor`
    new = {each.strip() for each in secrets if each and is_looked_for(each.strip())}
    with _lock:
        if not new <= _redactor.secrets:
            _redactor = Redactor(_redactor.secrets | new)


def know_environment(environ: Mapping[str, str | None]) -> None:
    """Remove what the names of these variables say is secret, and what passwords they hold."""
    know(*secrets_of(environ))


def know_address(address: str | None) -> None:
    """Remove the password in an address, if it holds one."""
    know(*secrets_of_address(address))


def text(given: str) -> str:
    """The text without secrets."""
    return _redactor.text(given)
