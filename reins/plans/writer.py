"""A value with what was said on the way to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Writer(Generic[T_co]):
    """A value, and lines that were said, in their order."""

    value: T_co
    said: tuple[str, ...] = ()

    def map(self, function: "Callable[[T_co], U]") -> "Writer[U]":
        """The function's value; what was said stays."""
        return Writer(function(self.value), self.said)

    def bind(self, function: "Callable[[T_co], Writer[U]]") -> "Writer[U]":
        """The function's value, with its lines after these."""
        after = function(self.value)
        return Writer(after.value, (*self.said, *after.said))
