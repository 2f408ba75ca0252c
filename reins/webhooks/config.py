"""webhooks.json: who is called over which address, and for what."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent_core.session.mood import CONCERN_KINDS
from reins import redaction
from reins.secret_forms import secrets_of_address
from reins.settings import environment
from reins.variables import VariableMissingError, filled
from reins.webhooks.signing import key_of

FILE = "webhooks.json"
REJECTED = "rejected"
KINDS = (*CONCERN_KINDS, REJECTED)
"""Kinds of causes for which somebody can be called."""
OTHER_WORDS = {"approval": "asking", "budget": "held"}
_NOT_UNASKED = ("retrying", REJECTED)
"""They mend themselves, or concern only who asked."""
_SHOWN = 3


class WebhookConfigError(ValueError):
    """webhooks.json cannot be used; the webhooks that there were stay."""


def _kind(given: str) -> str:
    kind = OTHER_WORDS.get(given, given)
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join((*KINDS, *OTHER_WORDS))}")
    return kind


class Webhook(BaseModel):
    """One address that is called.

    `secret` signs what is sent, as Standard Webhooks have it: `whsec_` and base64. A cause of one
    of the `kinds` that has stood for `after_s` is told once. **Units**: seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[^/\s]+")
    secret: str | None = None
    kinds: tuple[Annotated[str, AfterValidator(_kind)], ...] = tuple(
        kind for kind in KINDS if kind not in _NOT_UNASKED
    )
    after_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 10.0
    disabled: bool = False

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            known = bool(parts.hostname) and parts.port != 0
        except ValueError:  # brackets, or a port that is none
            known = False
        if not known or not value.isprintable() or " " in value:
            raise ValueError("expected an address as https://example.org/path")
        return value

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, value: str | None) -> str | None:
        if value is not None:
            key_of(value)
        return value

    @property
    def where(self) -> str:
        """The address as people are told of it: its path and query may be a secret."""
        found = urlsplit(self.url)
        host = found.hostname or ""
        port = "" if found.port is None else f":{found.port}"
        return f"{found.scheme}://{f'[{host}]' if ':' in host else host}{port}"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    webhooks: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")], Webhook]


def default_file() -> Path | None:
    """`webhooks.json` in the working folder, if it is there."""
    path = Path(FILE)
    return path.absolute() if path.exists() else None


def read(path: Path | None) -> Mapping[str, Webhook]:
    """The webhooks of the file, by their names; none without a file. Raises: WebhookConfigError."""
    path = default_file() if path is None else path
    if path is None:
        return {}
    try:
        given = filled(json.loads(path.read_text(encoding="utf-8-sig")), environment())
    except OSError as error:
        raise WebhookConfigError(f"{path} cannot be read: {error.strerror}") from error
    except VariableMissingError as error:
        raise WebhookConfigError(f"{path}: {error}") from None
    except ValueError as error:
        raise WebhookConfigError(f"{path} is no JSON: {error}") from error
    try:
        found = _File.model_validate(given).webhooks
    except ValidationError as error:
        raise WebhookConfigError(_told(path, error)) from None
    for each in found.values():
        parts = urlsplit(each.url)
        redaction.know(each.secret, each.secret and each.secret.removeprefix("whsec_"))
        redaction.know(each.url, parts.path.strip("/"), parts.query, *secrets_of_address(each.url))
    return {name: each for name, each in found.items() if not each.disabled}


def _told(path: Path, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{path}: {told}{more}"
