"""Imports LanceDB without what tables in a local folder never need; what it left out comes late.

More than half the time of `import lancedb` goes into three things, before each start of the worker
and each command in a shell: the models of a REST client, pandas, and checks of its own overrides.
Whoever uses the first two later in this process finds them whole.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, Union

import pyarrow as pa

_CLIENT = "lance_namespace_urllib3_client"
_OVERRIDES = "overrides"
_PANDAS = "pandas"


def import_lancedb() -> None:
    """Import LanceDB, unless somebody has done it already."""
    if "lancedb" in sys.modules:
        return
    # On two cores its default is one thread, and a compaction would hold up every query.
    os.environ.setdefault("LANCE_CPU_THREADS", str(max(4, os.cpu_count() or 1)))
    os.environ.setdefault("LANCE_LOG", "error")  # a compaction that gives way is not worth a line
    _put_pandas_off()
    # What somebody has imported by now costs nothing.
    left_out = [name for name in (_CLIENT, _OVERRIDES) if name not in sys.modules]
    finder = _StandIns(left_out)
    sys.meta_path.insert(0, finder)
    try:
        import lancedb  # noqa: F401, PLC0415 - under the hook
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in left_out]:
            del sys.modules[name]  # the next import is of the module itself


class Late:
    """Stands for a class of a module that is imported when the class is used."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__ = module
        self.__name__ = self.__qualname__ = name

    def _real(self) -> Any:
        return getattr(import_module(self.__module__), self.__name__)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._real()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks for many, which is no use of the class
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._real())

    def __subclasscheck__(self, other: type) -> bool:
        return issubclass(other, self._real())

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        del bases
        return (self._real(),)

    def __get_pydantic_core_schema__(self, _: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(self._real())

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - of an object that is no class

    __ror__ = __or__


class _StandIns(MetaPathFinder, Loader):
    """Finds modules with nothing in them but what stands for their classes."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] in self._names:
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == _OVERRIDES:  # as LanceDB does it from Python 3.12 on
            module.__dict__.update(override=_unchecked, EnforceOverrides=object)
            return

        def late(name: str) -> Late:
            if name.startswith("__"):
                raise AttributeError(name)
            return Late(module.__name__, name)

        module.__dict__["__getattr__"] = late


def _unchecked(method: Callable[..., Any]) -> Callable[..., Any]:
    return method


def _put_pandas_off() -> None:
    """Let Arrow look for pandas now, and find none; it looks again when somebody imports pandas.

    Until then nothing that Arrow is given can be of pandas.
    """
    if _PANDAS in sys.modules:
        return
    finder = _Pandas()
    sys.meta_path.insert(0, finder)
    pa.scalar(True)  # noqa: FBT003 - makes Arrow look
    finder.refused = None


class _Pandas(MetaPathFinder):
    """Refuses pandas to one thread for a moment; then tells Arrow when it is imported."""

    def __init__(self) -> None:
        self.refused: int | None = threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _PANDAS:
            return None
        if self.refused == threading.get_ident():
            raise ModuleNotFoundError(f"{_PANDAS} is imported later", name=_PANDAS)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Telling(fullname, spec.loader.path, self)
        return spec


class _Telling(SourceFileLoader):
    """Loads pandas, and lets Arrow look for it again."""

    def __init__(self, fullname: str, path: str, finder: _Pandas) -> None:
        super().__init__(fullname, path)
        self._finder = finder

    def exec_module(self, module: ModuleType) -> None:
        with contextlib.suppress(ValueError):  # a reload comes here once more
            sys.meta_path.remove(self._finder)
        super().exec_module(module)
        pa.nulls(0).to_pandas()
