"""Modules and packages of one's own tools: loaded, read anew, and left where they are broken."""

import importlib.metadata
import sys

import pytest

from reins.tools import Registry, ToolModuleError

TOOL = """
from reins.tools import tool

@tool(risk="low")
def {name}() -> str:
    "Say {said}."
    return {said!r}
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that are found by their names, and forgets them."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(path, name="greet", said="hello", text=None):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TOOL.format(name=name, said=said) if text is None else text)
        return file

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_tools_of_a_module_and_a_package(modules):
    """Each module of a package; the built-in ones are there as well."""
    modules("own_one.py")
    modules("own_many/__init__.py", text="")
    modules("own_many/a.py", name="first")
    modules("own_many/b.py", name="second")
    registry = Registry.load(["own_one", "own_many"])
    assert {"greet", "first", "second", "read_file"} <= set(registry.tools)
    assert (registry.groups["own_one"], registry.groups["b"]) == (["greet"], ["second"])


def test_modules_are_read_anew(modules):
    """What was edited counts at once, even within the same second and with the same size."""
    modules("own_edited.py", said="hello")
    first = Registry.load(["own_edited"])
    modules("own_edited.py", said="salut")
    assert Registry.load(["own_edited"]).tools["greet"].call() == "hello"
    second = Registry.load(["own_edited"], anew=True)
    assert (first.tools["greet"].call(), second.tools["greet"].call()) == ("hello", "salut")
    assert first.tools["read_file"] is second.tools["read_file"]


@pytest.mark.parametrize(
    "text",
    ["def", "raise SystemExit(1)", "import nothing_there", TOOL.format(name="read_file", said="")],
)
def test_a_module_that_is_broken(modules, text):
    """It is told, and what there was stays in use."""
    modules("own_broken.py")
    Registry.load(["own_broken"])
    there = sys.modules["own_broken"]
    modules("own_broken.py", text=text)
    with pytest.raises(ToolModuleError):
        Registry.load(["own_broken"], anew=True)
    assert sys.modules["own_broken"] is there


def point(value):
    return importlib.metadata.EntryPoint("mine", value, "reins.tools")


def test_tools_of_installed_packages(modules, monkeypatch):
    """An entry point leads to a module, a tool, or some of them; a broken one is left out."""
    extra = "\nsome = {'a': greet}\nwrong = [3]\n"
    for name in ("own_whole", "own_single", "own_some", "own_wrong"):
        modules(f"{name}.py", text=TOOL.format(name=name, said="x") + extra.replace("greet", name))
    points = ["own_whole", "own_single:own_single", "own_some:some", "own_wrong:wrong", "own_none"]
    monkeypatch.setattr(
        "reins.tools.registry.entry_points", lambda group: [point(each) for each in points]
    )
    found = Registry.load().tools
    assert {"own_whole", "own_single", "own_some"} <= set(found)
    assert "own_wrong" not in found
