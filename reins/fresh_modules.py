"""Modules of the user's, imported; and read anew without a restart, or left as they were."""

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def imported(places: Iterable[str], *, anew: bool) -> Iterator[list[ModuleType]]:
    """The modules of these modules and packages. `anew`: their source is run again.

    Whatever is raised in importing them, or in making use of them here, is raised on: the modules
    that there were are in place then.
    """
    places = tuple(places)
    before = dict(sys.modules)
    try:
        names = _names(places)
        if anew:
            _forget(names)
        yield [importlib.import_module(name) for name in names]
    except BaseException:
        for name in [name for name in sys.modules if name.startswith(places)]:
            del sys.modules[name]
        sys.modules.update(before)
        raise


def _names(places: Iterable[str]) -> list[str]:
    importlib.invalidate_caches()
    names: list[str] = []
    for place in places:
        paths = getattr(importlib.import_module(place), "__path__", None)
        if paths is None:
            names.append(place)
        else:
            names += [info.name for info in pkgutil.walk_packages(paths, f"{place}.")]
    return names


def _forget(names: Iterable[str]) -> None:
    """Let the next import run the modules' source again; the old classes stay as they are."""
    for name in names:
        module = sys.modules.pop(name, None)
        if cached := getattr(module, "__cached__", None):
            # It is taken for fresh by second and size: an edit can miss both.
            Path(cached).unlink(missing_ok=True)
