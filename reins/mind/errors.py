"""Errors of minds: one for what cannot be used, and one for each that a caller mends by itself."""


class MindError(ValueError):
    """Evidence, a memory or a state cannot be used; the message says which, and what to do."""


class TooLargeError(MindError):
    """Something exceeds its bound; the message says by how much, and what makes room."""


class LateEvidenceError(MindError):
    """A row is of a time that is folded in already, or undoes one; fold all rows again."""


class VersionConflictError(MindError):
    """A memory was written by somebody else meanwhile; recall it, and decide again."""
