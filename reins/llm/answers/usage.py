"""The tokens that a provider has counted, under whichever name."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

HOLDERS = ("usage", "usageMetadata", "usage_metadata")
IN = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
OUT = ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")


@dataclass(slots=True)
class Counted:
    """Tokens as they were counted; None where they were not."""

    tokens_in: int | None = None
    tokens_out: int | None = None

    def take(self, value: dict[str, Any]) -> None:
        """Take in what an answer, or an event of one, has counted so far."""
        holders = [value[name] for name in HOLDERS if isinstance(value.get(name), dict)]
        for holder in [*holders, value]:
            self.tokens_in = _first(holder, IN, self.tokens_in)
            self.tokens_out = _first(holder, OUT, self.tokens_out)


def _first(holder: dict[str, Any], names: tuple[str, ...], before: int | None) -> int | None:
    for name in names:
        count = holder.get(name)
        if isinstance(count, (int, float)) and isfinite(count) and count >= 0:
            return int(count)
    return before
