"""The imports that processes of ours begin with; the fork server makes them once."""

import contextlib
import gc
import importlib
import os
import warnings

_BEFORE = dict(os.environ)

import app  # noqa: E402, F401 - the whole program
from tests.support.faults.control import attach  # noqa: E402, F401 - for each new process

for _name in ("pandas", "watchdog.observers", "tests.support.odd_agents"):
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)

SET_BY_IMPORTS = {name: value for name, value in os.environ.items() if name not in _BEFORE}
for _message in ("lancedb fork support", ".*use of fork"):  # nothing of it is in use yet
    warnings.filterwarnings("ignore", message=_message)
gc.freeze()  # forks share these pages
