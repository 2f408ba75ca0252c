"""The protocol of the embedders, which turn texts into vectors.

BAML has no embeddings, so their one request is made here. Deadline, attempts and accounting are
those of any other call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reins.llm.text import MAX_TEXT_BYTES, encodable
from reins.llm.tokens import tokens_of
from reins.llm.wire.response import Exchange

FUNCTION = "embeddings"
"""The function name of an attempt on record, where a call has its BAML function's."""
BATCH_TEXTS = 64
BATCH_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector for each text, in their order, all of one dimension.

    `counted`: the tokens are counted, not estimated from the characters.
    """

    vectors: list[list[float]]
    tokens_in: int
    counted: bool = True


class Embedder(Protocol):
    """One attempt for one batch (see `batches`); `exchange` has its response also if it fails."""

    async def embed(self, texts: Sequence[str], exchange: Exchange | None = None) -> Embedded: ...

    async def stop(self) -> None:
        """Release all resources; a second time does nothing."""


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts, encodable, in batches that one request may hold.

    Raises: ValueError naming the text that is empty or longer than `MAX_TEXT_BYTES`.
    """
    batch: list[str] = []
    batch_bytes = 0
    for number, text in enumerate(texts):
        safe, size_bytes = _checked(text, number, len(texts))
        if batch and (len(batch) == BATCH_TEXTS or batch_bytes + size_bytes > BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(safe)
        batch_bytes += size_bytes
    if batch:
        yield batch


def estimated_tokens(texts: Sequence[str]) -> int:
    """The estimate for all texts, until the provider has counted."""
    return sum(map(tokens_of, texts))


def _checked(text: str, number: int, count: int) -> tuple[str, int]:
    which = f"text {number + 1} of {count}"
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{which} is {text!r}; expected a text that is not empty. Leave it out.")
    safe = encodable(text)
    size_bytes = len(safe.encode())
    if size_bytes > MAX_TEXT_BYTES:
        raise ValueError(
            f"{which} has {size_bytes} bytes; expected {MAX_TEXT_BYTES} at the most. "
            "Embed it in parts."
        )
    return safe, size_bytes


def count(exchange: Exchange, embedded: Embedded) -> None:
    """Add the tokens to the response."""
    exchange.response = replace(
        exchange.response, tokens_in=embedded.tokens_in, counted=embedded.counted
    )
