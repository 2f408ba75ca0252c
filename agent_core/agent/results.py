"""The result of a tick, and the result that an ended session leaves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from agent_core.agent.effects import Effect
from agent_core.session.waiting import Waiting

MAX_ROW_BYTES = 256 * 1024
_MAX_TOKENS = 1 << 53
_SURELY_FITS = 4_096


@dataclass(slots=True)  # not frozen: that costs 1 µs for each tick
class StepResult:
    """The result of one tick: it becomes one row of the log.

    Calls of a model from `services` are counted without being named here: `tokens_*` and `cost_usd`
    are what else the tick took. `next_in_s` overrides the heartbeat once; `done` completes the
    session; `failed` ends it as failed, with these words. `effects` are committed with the row, all
    or none. `waits`: no tick follows before a person has done what the session waits for.
    """

    text: str
    payload: dict[str, Any] | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    next_in_s: float | None = None
    done: bool = False
    failed: str | None = None
    effects: Sequence[Effect] = ()
    waits: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """There was nothing to do: no row is written. `next_in_s` is as for a step."""

    next_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class FinalResult:
    """The result of an ended session: the payload of its `final` row.

    `audit` counts what happened; times are microseconds since 1970, UTC. `payload` is what the
    agent itself reports, where its type reports more than a text.
    """

    status: str
    state: dict[str, Any]
    output: str | None
    error: str | None
    audit: dict[str, int]
    times: dict[str, int]
    payload: dict[str, Any] | None = None

    def as_payload(self) -> dict[str, Any]:
        """Its fields, as the `final` row has them: without a payload where there is none."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        if self.payload is None:
            del fields["payload"]
        return fields


def checked(result: object) -> StepResult | Quiet:
    """The result, if the log can hold it: one row that cannot be flushed would hold up all others.

    Raises: TypeError, ValueError naming what is wrong.
    """
    if isinstance(result, Quiet):
        if result.next_in_s is not None:
            _check_amount("next_in_s", result.next_in_s)
        return result
    if not isinstance(result, StepResult):
        raise TypeError(f"tick() returned {type(result).__name__}; expected a StepResult")
    if not isinstance(result.text, str):
        raise TypeError(f"text is a {type(result.text).__name__}; expected a str")
    if result.payload is not None or len(result.text) > _SURELY_FITS or not result.text.isascii():
        check_size(result.text, result.payload)
    if not _is_nothing(result.tokens_in, result.tokens_out, result.cost_usd):
        _check_count("tokens_in", result.tokens_in)
        _check_count("tokens_out", result.tokens_out)
        _check_amount("cost_usd", result.cost_usd)
    if result.next_in_s is not None:
        _check_amount("next_in_s", result.next_in_s)
    return result


def _is_nothing(tokens_in: object, tokens_out: object, cost_usd: object) -> bool:
    return (
        type(tokens_in) is int is type(tokens_out)
        and type(cost_usd) is float
        and not (tokens_in or tokens_out or cost_usd)
    )


def check_size(text: str, payload: dict[str, Any] | None) -> None:
    """Raises: ValueError where text and payload are more than a row of the log holds."""
    size_bytes = len(text.encode())  # raises for what UTF-8 cannot carry
    if payload is not None:
        size_bytes += len(orjson.dumps(payload))
    if size_bytes > MAX_ROW_BYTES:
        raise ValueError(
            f"text and payload have {size_bytes} bytes; a row of the log holds {MAX_ROW_BYTES}. "
            "Keep what is large in a file and name it in the payload."
        )


def _check_count(name: str, count: object) -> None:
    if type(count) is not int or not 0 <= count < _MAX_TOKENS:
        raise ValueError(f"{name} is {count!r}; expected a whole number of at least 0")


def _check_amount(name: str, amount: object) -> None:
    # Exactly these: a subclass (bool, a NumPy float) is not JSON, or no number.
    if not (type(amount) is int or type(amount) is float) or not math.isfinite(amount):
        raise ValueError(f"{name} is {amount!r}; expected a finite number")
