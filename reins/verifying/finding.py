"""A finding: an invariant that does not hold, where, and in a sentence."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` names the place by its ids and numbers: it is the same when it is found again."""

    check: str
    message: str
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[Any, ...]:
        return (self.check, *sorted((name, str(value)) for name, value in self.about.items()))

    def as_dict(self) -> dict[str, Any]:
        return {"check": self.check, "message": self.message, **self.about}
