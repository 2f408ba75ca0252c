"""Settings of the model layer, and the description of a route."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

OFFLINE = "offline"
"""The route that is always known by this name: the demonstration."""

DEFAULT = "default"
"""The route that the settings make where no file names others."""

WORDLLAMA = "wordllama"
"""The provider that makes embeddings in this process, and nothing else."""

Constraint = Literal["tools", "always"]
"""Answers that a route's model is held to a JSON schema for: calls of tools, or all structured."""

LEAST_S = 0.001
LONGEST_S = 86_400.0
MOST_ATTEMPTS = 100
MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The model that answers, and its limits. Its repr holds no secret.

    `models_file` names further routes, and then may choose the default among them;
    `record_prompts` says whether what was sent and answered goes on record.
    """

    model: str = OFFLINE
    base_url: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    api_key: str | None = field(default=None, repr=False)
    deadline_s: float = 60.0
    attempts: int = 4
    concurrency: int = 64
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    models_file: Path | None = None
    record_prompts: bool = True


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One route as it was asked for. Its repr holds no secret.

    **Units**: prices in USD per million tokens; `deadline_s` bounds all attempts on this route with
    the waits between them, `attempt_s` a single one. None means no limit, or the provider's own.
    """

    name: str
    provider: str
    model: str
    file: str = ""
    """The file that it stands in; empty for the route that the settings make."""
    base_url: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    """The certificate authorities that it trusts, and no others; None: the system's."""
    key: str | None = field(default=None, repr=False)
    key_env: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    deadline_s: float = 60.0
    attempt_s: float | None = None
    attempts: int = 4
    concurrency: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    price_cached: float | None = None
    fallback: tuple[str, ...] = ()
    breaker_failures: int = 5
    breaker_rest_s: float = 30.0
    json_schema: Constraint | None = None

    @property
    def longest_attempt_s(self) -> float:
        """The limit of one attempt: no longer than that of all of them."""
        return min(self.attempt_s or self.deadline_s, self.deadline_s)

    def called(self, key: str) -> str:
        """The name of a value for a person: its variable, or its key in the file."""
        if self.file:
            return f"{self.file}: routes.{self.name}.{key}"
        named = {
            "model": "REINS_MODEL",
            "base_url": "REINS_MODEL_BASE_URL",
            "ca_file": "REINS_MODEL_CA_FILE",
            "deadline_s": "REINS_MODEL_DEADLINE_S",
            "concurrency": "REINS_MODEL_CONCURRENCY",
        }
        return named.get(key, key)


@dataclass(frozen=True, slots=True)
class Route:
    """The target of calls, fit for logs and pages: it holds no secret."""

    provider: str
    model: str
    address: str
    demonstration: bool = False

    def __str__(self) -> str:
        if self.demonstration:
            return "offline model (a demonstration, not a language model)"
        return f"{self.provider} {self.model} at {self.address}"
