"""Rows that are written in the middle of a tick, and leave what it took to a later row."""

from agent_core.session.status import Status
from agent_core.session.trouble import TAKES_LONG

_ANNOUNCED = (Status.PAUSING.value, Status.STOPPING.value)


def is_amid_tick(kind: str, text: str) -> bool:
    """True for the announcement of a pause or a stop, and for the note that a tick takes long."""
    return kind == "status" and (text in _ANNOUNCED or f": {TAKES_LONG}" in text)
