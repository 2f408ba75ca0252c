"""The tools there are: built-in ones, those of the user's modules, those of installed packages."""

import difflib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import structlog

from reins import fresh_modules
from reins.tools import builtin
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool

_logger = structlog.get_logger(__name__)
ENTRY_POINTS = "reins.tools"
_PATTERN = frozenset("*?[")
_SHOWN = 12


class ToolModuleError(ValueError):
    """A module of tools cannot be used; the tools that there were stay."""


class Registry:
    """Tools by name. It does not change: a reload makes another one."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        """Raises: ToolModuleError where two have one name."""
        self.tools: dict[str, Tool] = {}
        for each in tools:
            other = self.tools.setdefault(each.name, each)
            if other is not each:
                raise ToolModuleError(
                    f"two tools are named {each.name!r}, of the sets {other.group!r} and "
                    f"{each.group!r}. Rename one: @tool(name=…)"
                )

    @classmethod
    def load(cls, modules: Iterable[str] = (), *, anew: bool = False) -> "Registry":
        """The built-in tools, and those of these modules and packages and of the entry points.

        `anew`: the source of the modules is read again. Raises: ToolModuleError.
        """
        modules = tuple(modules)
        try:
            with fresh_modules.imported(modules, anew=anew) as found:
                own = [each for module in found for each in _in_module(module)]
                return cls([*_built_in(), *own, *_installed(anew=anew)])
        except ToolModuleError:
            raise
        except (Exception, SystemExit) as error:
            raise ToolModuleError(
                f"tools in {', '.join(modules) or 'entry points'} cannot be read: "
                f"{type(error).__name__}: {error}. Mend the module, or take it out of REINS_TOOLS"
            ) from error

    @property
    def groups(self) -> dict[str, list[str]]:
        """The sets, each with the names of its tools."""
        found: dict[str, list[str]] = {}
        for each in self.tools.values():
            found.setdefault(each.group, []).append(each.name)
        return found

    def get(self, name: str) -> Tool:
        """The tool of this name. Raises: ToolError that names those that are alike."""
        if name not in self.tools:
            raise ToolError(not_found(name, self.tools))
        return self.tools[name]

    def select(self, wanted: Iterable[str]) -> dict[str, Tool]:
        """The tools that these names, sets (as `files`) and patterns (as `read_*`) mean.

        Raises: ToolError for what means none.
        """
        found: dict[str, Tool] = {}
        groups = self.groups
        for each in wanted:
            if each in self.tools:
                names = [each]
            elif each in groups:
                names = groups[each]
            else:
                names = [
                    name for name in self.tools if _PATTERN & {*each} and fnmatchcase(name, each)
                ]
            if not names:
                raise ToolError(not_found(each, [*self.tools, *groups]))
            found |= {name: self.tools[name] for name in names}
        return found


def not_found(name: str, known: Iterable[str]) -> str:
    """The words for a tool that is not there, with those that may be meant."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"there is no tool {name!r}; did you mean {' or '.join(close)}?"
    more = ", …" if len(known) > _SHOWN else ""
    return f"there is no tool {name!r}; there are {', '.join(known[:_SHOWN]) or 'none'}{more}"


def _in_module(module: ModuleType) -> Iterator[Tool]:
    yield from (value for value in vars(module).values() if isinstance(value, Tool))


def _built_in() -> Iterator[Tool]:
    for info in pkgutil.iter_modules(builtin.__path__, f"{builtin.__name__}."):
        yield from _in_module(import_module(info.name))


def _installed(*, anew: bool) -> Iterator[Tool]:
    """Tools of other packages; one that cannot be used is left out, and the log says so."""
    for point in entry_points(group=ENTRY_POINTS):
        try:
            with fresh_modules.imported([point.module], anew=anew):
                yield from _of(point)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is not the user's own
            _logger.warning(
                "the tools of a package are left out",
                entry_point=f"{point.name} = {point.value}",
                error=f"{type(error).__name__}: {error}"[:300],
            )


def _of(point: EntryPoint) -> list[Tool]:
    found: Any = point.load()
    if isinstance(found, ModuleType):
        return [*_in_module(found)]
    made = [found] if isinstance(found, Tool) else [*_values(found)]
    for each in made:
        if not isinstance(each, Tool):
            raise TypeError(f"{each!r:.80} is no tool; expected a module, a tool or a list of them")
    return made


def _values(found: Any) -> Iterable[Any]:
    return found.values() if isinstance(found, Mapping) else found
