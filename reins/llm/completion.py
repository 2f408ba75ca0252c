"""The text that a call ends with, and what it took."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer: text that is not empty and safe to store, and what it took.

    `attempts` counts over all routes; `route` is the name of the one that answered, and tokens and
    cost are of that attempt. **Units**: `latency_ms` counts from the moment the call had its place
    on that route, over all attempts there.
    """

    text: str
    tokens_in: int
    tokens_out: int
    latency_ms: float
    attempts: int
    model: str
    demonstration: bool
    cost_usd: float = 0.0
    route: str = ""
    call_id: str = ""
