"""Ids of actions that this process has just made: nobody can have used them before."""

import os
import threading
import uuid

from store import forks

_MOST = 100_000
_lock = threading.Lock()
_made: dict[str, None] = {}


def make() -> str:
    """An id for a new action."""
    action_id = f"act_{uuid.uuid4().hex}"
    with _lock:
        if len(_made) >= _MOST:  # built and never sent; without it, an id is looked for
            _made.pop(next(iter(_made)), None)  # it may be taken at this moment
        _made[action_id] = None
    return action_id


def take(action_id: str) -> bool:
    """True at the first time, for an id that was made here: from now on it may be in use."""
    return _made.pop(action_id, 0) is None


os.register_at_fork(after_in_child=_made.clear)  # the parent may send them as well
forks.free_in_child(_lock)
