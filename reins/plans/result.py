"""Success or failure as a value: `Ok` or `Err`, told apart by `match`; and what a plan fails with.

`T_co | None` serves where something may be missing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
E_co = TypeVar("E_co", covariant=True)
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Ok(Generic[T_co]):
    """A success with its value."""

    value: T_co

    def map(self, function: Callable[[T_co], U]) -> "Ok[U]":
        """A success with the function's value."""
        return Ok(function(self.value))

    def bind(self, function: "Callable[[T_co], Ok[U] | Err[F]]") -> "Ok[U] | Err[F]":
        """The result of the function."""
        return function(self.value)

    def or_else(self, _default: object) -> T_co:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Err(Generic[E_co]):
    """A failure with its error. Mapped and bound it stays as it is."""

    error: E_co

    def map(self, _function: Callable[[Any], object]) -> "Err[E_co]":
        """This failure."""
        return self

    def bind(self, _function: Callable[[Any], object]) -> "Err[E_co]":
        """This failure."""
        return self

    def or_else(self, default: U) -> U:
        """The default."""
        return default


Result: TypeAlias = Ok[T_co] | Err[E_co]


def words_of(value: object) -> str:
    """The value as text that can be written: no half characters, whatever its `str` does."""
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - an error whose words cannot be had is told all the same
        return f"(its text cannot be had: {type(error).__name__})"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


Kind = Literal["action", "function", "timeout", "budget", "conflict", "no_success", "limit"]
"""`action`: a task failed. `function`: a predicate, selector, lens and so on did. `limit`: a bound
of the plan or of all plans was reached.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """The reason why a node of a plan failed, the path of the node, and the faults beneath."""

    kind: Kind
    message: str
    path: str = "/"
    causes: "tuple[Fault, ...]" = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", words_of(self.message))

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The fault as JSON holds it."""
        made: dict[str, Any] = {"kind": self.kind, "message": self.message, "path": self.path}
        if self.causes:
            made["causes"] = [cause.as_json() for cause in self.causes]
        return made

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Fault":
        """The fault of which `as_json` made this."""
        causes = tuple(cls.from_json(cause) for cause in given.get("causes", ()))
        return cls(given["kind"], given["message"], given["path"], causes)
