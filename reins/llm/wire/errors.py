"""The exceptions that an attempt ends with before it is sorted into a kind."""

from reins.llm.errors import Kind


class WireError(Exception):
    """An attempt came to no answer."""


class UnconnectedError(WireError):
    """No request came through, or its answer broke off. `what` and `advice` are for a person."""

    def __init__(self, what: str, advice: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class StatusError(WireError):
    """The server answered with a status that is no success."""


class ShapeError(WireError):
    """The server answered, and not as a model does."""


class NoTextError(WireError):
    """The answer came whole and holds no text; `what` says what came instead."""

    def __init__(self, kind: Kind, what: str) -> None:
        super().__init__(what)
        self.kind: Kind = kind
        self.what = what


class FaultError(WireError):
    """The answer is an error, in spite of its status."""


class NoStreamError(WireError):
    """A stream was asked for, and what came is none."""


class BrokenStreamError(WireError):
    """A stream that ended as if whole is not. `corrupt`: an event was no JSON, else cut off."""

    def __init__(self, *, corrupt: bool) -> None:
        super().__init__()
        self.corrupt = corrupt


class FinishReasonError(WireError):
    """The model ended for a reason that means that there is no whole answer."""

    def __init__(self, finish_reason: str) -> None:
        super().__init__(finish_reason)
        self.finish_reason = finish_reason


class TooLongError(WireError):
    """The answer is longer than a step may hold; a stream was ended there."""
