"""What the composition root tells the model layer, and what the layer tells of its route."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model answers, and within which limits. Its repr holds no secret."""

    model: str = "offline"
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    deadline_s: float = 60.0
    attempts: int = 4
    concurrency: int = 64
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """Where calls go, fit for logs and pages: it holds no secret."""

    provider: str
    model: str
    address: str
    demonstration: bool = False

    def __str__(self) -> str:
        if self.demonstration:
            return "offline model (a demonstration, not a language model)"
        return f"{self.provider} {self.model} at {self.address}"
