"""The exceptions that a call through BAML ends with: BAML's own, and four that it lacks."""

from baml_py.errors import (
    BamlClientFinishReasonError,
    BamlClientHttpError,
    BamlError,
    BamlInvalidArgumentError,
    BamlTimeoutError,
)

from reins.llm.errors import Kind

__all__ = [
    "BamlClientFinishReasonError",
    "BamlClientHttpError",
    "BamlError",
    "BamlInvalidArgumentError",
    "BamlTimeoutError",
    "BrokenStreamError",
    "FaultError",
    "TooLongError",
    "UnusableError",
]


class TooLongError(BamlError):
    """The answer is longer than a step may hold; a stream was ended there."""


class FaultError(BamlError):
    """The answer is an error, in spite of its status."""


class UnusableError(BamlError):
    """An answer that came whole and holds no text; `what` says what came instead."""

    def __init__(self, kind: Kind, what: str) -> None:
        super().__init__()
        self.kind: Kind = kind
        self.what = what


class BrokenStreamError(BamlError):
    """A stream that ended as if whole is not. `corrupt`: an event was no JSON, else cut off."""

    def __init__(self, *, corrupt: bool) -> None:
        super().__init__()
        self.corrupt = corrupt
