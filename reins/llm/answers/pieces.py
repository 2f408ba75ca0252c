"""The usual event of a stream, told from all others at a glance: nearly all of them are so."""

from typing import Any

AROUND_PIECES = frozenset({
    "id", "object", "created", "model", "system_fingerprint", "service_tier", "obfuscation",
    "choices", "usage",
})  # fmt: skip
AROUND_PIECE = frozenset({"index", "delta", "finish_reason", "logprobs"})
PIECES = frozenset({"role", "content"})
"""Fields of the usual event of a stream: of the whole, of its one choice, of that one's delta."""


def piece_in(value: dict[str, Any]) -> str | None:
    """The text of an event that holds a piece of it and nothing else that counts; None for others.

    Of what it finds, `Answer` reads the same the long way: a test compares them.
    """
    if not AROUND_PIECES.issuperset(value) or value.get("usage"):
        return None
    match value.get("choices"):
        case [{"delta": {"content": str(piece)} as delta} as choice] if (
            PIECES.issuperset(delta)
            and AROUND_PIECE.issuperset(choice)
            and choice.get("finish_reason") is None
            and choice.get("index", 0) == 0
        ):
            return piece
    return None
