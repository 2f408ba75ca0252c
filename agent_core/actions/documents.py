"""The names of documents: where they come from, and the id that follows from it."""

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from agent_core.actions.ids import ActionError
from reins import redaction

MAX_SOURCE = 2_000
MAX_TITLE = 300
MAX_INLINE = 100_000
"""Characters of a text that stands in the action itself; what is longer is handed over as a file.
"""
_UNFIT = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_CONTROL = re.compile(rf"[{_UNFIT}\ud800-\udfff]")
_ID = r"^doc_[0-9a-f]{12}$"
_SHA256 = r"^[0-9a-f]{64}$"


def checked_source(value: object) -> str:
    """`value` as where a document comes from: a path, an address, a name. Raises: ActionError."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_SOURCE:
        raise ActionError(
            f"source is {value!r:.80}; expected a path, an address or a name, {MAX_SOURCE} "
            "characters at the most"
        )
    if _CONTROL.search(value):
        raise ActionError(f"source is {value!r:.300}; expected one line without control characters")
    if redaction.redactor().holds(value):
        raise ActionError("source holds a key that this process uses; expected a name without it")
    return value


def document_id_of(source: str) -> str:
    """The id of the document that comes from there: the same at each time it is added."""
    return f"doc_{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def is_address(source: str) -> bool:
    """True for an address of the web."""
    return source.lower().startswith(("http://", "https://"))


DocumentId = Annotated[str, Field(pattern=_ID)]
Digest = Annotated[str, Field(pattern=_SHA256)]
Source = Annotated[
    str,
    Field(min_length=1, max_length=MAX_SOURCE, pattern=rf"^[^{_UNFIT}]*[^{_UNFIT}\s][^{_UNFIT}]*$"),
    AfterValidator(checked_source),
]
