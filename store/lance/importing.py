"""Imports LanceDB without the REST client that it brings: a second that a local folder never needs.

Half the time of `import lancedb` goes into building that client's validators, before each start of
the worker and each command in a shell.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_CLIENT = "lance_namespace_urllib3_client.api"


class _Absent(MetaPathFinder, Loader):
    """Finds the client's modules empty; their classes exist in name only."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == _CLIENT or fullname.startswith(f"{_CLIENT}."):
            return ModuleSpec(fullname, self, is_package=fullname == _CLIENT)
        return None

    def exec_module(self, module: ModuleType) -> None:
        def absent(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {"__doc__": "Left out: Reins keeps its tables in a folder."})

        module.__getattr__ = absent  # type: ignore[method-assign]


def import_lancedb() -> None:
    """Import LanceDB, unless somebody has done it already."""
    if "lancedb" in sys.modules:
        return
    # On two cores its default is one thread, and a compaction would hold up every query.
    os.environ.setdefault("LANCE_CPU_THREADS", str(max(4, os.cpu_count() or 1)))
    os.environ.setdefault("LANCE_LOG", "error")  # a compaction that gives way is not worth a line
    finder = _Absent()
    sys.meta_path.insert(0, finder)
    try:
        import lancedb  # noqa: F401, PLC0415 - under the hook
    finally:
        sys.meta_path.remove(finder)
