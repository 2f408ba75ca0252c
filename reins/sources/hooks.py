"""hooks.json: webhooks that others call, each with a token of its own; who calls proves it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reins import redaction
from reins.settings import environment
from reins.variables import VariableMissingError, filled

FILE = "hooks.json"
_SHOWN = 3
_SIGNED = "sha256="
_NONE = "no such hook: as long to compare as any"


class HookConfigError(ValueError):
    """hooks.json cannot be used."""


class Hook(BaseModel):
    """One webhook. `token` comes in Authorization: Bearer, or is the key that signs the body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str = Field(min_length=16, max_length=512, repr=False)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    hooks: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], Hook]


def read(path: Path | None) -> Mapping[str, Hook]:
    """The hooks of the file, by their names; none without a file. Raises: HookConfigError."""
    path = Path(FILE) if path is None and Path(FILE).exists() else path
    if path is None:
        return {}
    try:
        given = filled(json.loads(path.read_text(encoding="utf-8-sig")), environment())
    except OSError as error:
        raise HookConfigError(f"{path} cannot be read: {error.strerror}") from error
    except VariableMissingError as error:
        raise HookConfigError(f"{path}: {error}") from None
    except ValueError as error:
        raise HookConfigError(f"{path} is no JSON: {error}") from error
    try:
        found = _File.model_validate(given).hooks
    except ValidationError as error:
        raise HookConfigError(_told(path, error)) from None
    redaction.know(*(each.token for each in found.values()))
    return found


class Hooks:
    """The hooks of a file, read again when it has changed; for threads of the web."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: tuple[object, Mapping[str, Hook]] | None = None

    def get(self) -> Mapping[str, Hook]:
        """Raises: HookConfigError."""
        path = Path(FILE) if self._path is None else self._path
        try:
            stat = path.stat()
            stamp: object = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = None
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, read(self._path))
        return self._read[1]


def is_right(hook: Hook | None, body: bytes, *, bearer: str | None, signature: str | None) -> bool:
    """True if who sends the body has the hook's token; takes as long for a hook that is none.

    `signature` is `sha256=` and the HMAC-SHA256 of the body, in hexadecimal, as GitHub has it.
    """
    token = (_NONE if hook is None else hook.token).encode()
    if signature is not None:
        expected = _SIGNED + hmac.new(token, body, hashlib.sha256).hexdigest()
        right = hmac.compare_digest(signature.encode(), expected.encode())
    else:
        right = hmac.compare_digest((bearer or "").encode(), token)
    return right and hook is not None


def _told(path: Path, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{path}: {told}{more}"
