"""A message of a topic, as whoever reads it gets it."""

from dataclasses import dataclass
from typing import Any, Self

import orjson

from store.times import to_us


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """One message of a topic. **Units**: `at` is microseconds since 1970, UTC."""

    number: int
    message_id: str
    author: str
    message: Any
    at: int
    about: dict[str, Any]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        about = orjson.loads(row["metadata"] or "{}")
        said = orjson.loads(row["text"]) if about.pop("json", False) else row["text"]
        at = row["created_at"]
        at_us = at if isinstance(at, int) else to_us(at)
        return cls(row["number"], row["message_id"], row["author"], said, at_us, about)
