"""Agent types, found in modules and read again."""

import sys

import pytest

from agent_core.agent.registry import AgentTypeError, AgentTypes

SOURCE = """
from pydantic import BaseModel
from agent_core.agent.looping import LoopingAgentBase

class State(BaseModel):
    pass

class {name}(LoopingAgentBase):
    agent_type = "{kind}"
    State = State
    says = "{says}"
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of agent types, `kinds`, that is forgotten afterwards."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "kinds"]:
        del sys.modules[name]


def write(package, name, kind, says="one"):
    (package / f"{name}.py").write_text(SOURCE.format(name=name.title(), kind=kind, says=says))


@pytest.fixture
def types(package):
    write(package, "poet", "poet")
    write(package, "cook", "cook")
    made = AgentTypes(["kinds"])
    made.take(made.read())
    return made


def test_a_file_dropped_in_is_a_type(types, package):
    """Every module of the package is looked at, also one that came later."""
    assert types.names() == ["cook", "poet"]
    write(package, "smith", "smith")
    assert "smith" in types.take(types.read())
    assert types.get("smith").says == "one"


def test_reading_changes_nothing_until_taken(types, package):
    """Read first, taken when everything else was found valid as well."""
    write(package, "poet", "poet", "two")
    fresh = types.read()
    assert types.get("poet").says == "one"
    types.take(fresh)
    assert types.get("poet").says == "two"


def test_an_edit_of_the_same_size_in_the_same_second_is_seen(types, package):
    """No stale bytecode is taken for it, ten times over."""
    for says in ("two", "six", "ten") * 3:
        write(package, "poet", "poet", says)
        types.take(types.read())
        assert types.get("poet").says == says


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(:", "SyntaxError"),
        ("import nothing_there", "nothing_there"),
        ("raise SystemExit(1)", "SystemExit"),
        (SOURCE.format(name="Other", kind="cook", says=""), "two agent types are named 'cook'"),
        (SOURCE.format(name="P", kind="p", says="").replace("State = State", ""), "has no State"),
    ],
)
def test_a_bad_module_leaves_the_types_that_there_were(types, package, source, says):
    """The error names what is wrong, the old stay, and a mended module is taken."""
    old = types.get("poet")
    (package / "poet.py").write_text(source)
    with pytest.raises(AgentTypeError, match=says):
        types.read()
    assert types.get("poet") is old
    assert sys.modules["kinds.poet"].__name__ == "kinds.poet"
    assert sys.modules["kinds.poet"].Poet is old
    write(package, "poet", "poet", "two")
    types.take(types.read())
    assert types.get("poet").says == "two"


def test_a_place_that_is_not_there_is_named():
    """A setting that names no module is a clear error."""
    with pytest.raises(AgentTypeError, match="no_such_place"):
        AgentTypes(["no_such_place"]).read()


def test_modules_of_one_package_see_each_other_anew(types, package):
    """A type that imports its neighbour gets the neighbour's new code, whatever their names."""
    (package / "aide.py").write_text("from kinds.poet import Poet\nSAYS = Poet.says\n")
    types.take(types.read())
    write(package, "poet", "poet", "two")
    types.take(types.read())
    assert sys.modules["kinds.aide"].SAYS == "two"
