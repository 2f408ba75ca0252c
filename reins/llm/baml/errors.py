"""The exceptions that a call through BAML ends with: BAML's own, and two that it lacks."""

from baml_py.errors import (
    BamlClientFinishReasonError,
    BamlClientHttpError,
    BamlError,
    BamlInvalidArgumentError,
    BamlTimeoutError,
)

__all__ = [
    "BamlClientFinishReasonError",
    "BamlClientHttpError",
    "BamlError",
    "BamlInvalidArgumentError",
    "BamlTimeoutError",
    "BrokenStreamError",
    "TooLongError",
]


class TooLongError(BamlError):
    """The answer is longer than a step may hold; a stream was ended there."""


class BrokenStreamError(BamlError):
    """A stream that ended as if whole is not. `corrupt`: an event was no JSON, else cut off."""

    def __init__(self, *, corrupt: bool) -> None:
        super().__init__()
        self.corrupt = corrupt
