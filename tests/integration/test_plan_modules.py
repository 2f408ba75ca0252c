"""The modules of actions that the settings name: read, read anew, refused with what to do."""

import pytest

from reins.blackboard.tasks import NAMES as BOARDS
from reins.mind import CHANGES
from reins.plan_modules import PlanModuleError, PlanModules

BUILT_IN = {"ask", "put", "tool", *CHANGES, *BOARDS}
MINE = """
from reins.plans import Actions

actions = Actions({"%s": lambda state: state})
"""


def write(folder, name, text):
    (folder / f"{name}.py").write_text(text)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_where_nothing_is_named_nothing_is_read():
    """The library is made at its first use, with the built-in actions."""
    modules = PlanModules()
    modules.take(modules.read([]))
    assert modules.library.actions.actions.keys() == BUILT_IN


def test_a_module_is_read_anew(folder):
    """Its actions of now, and no longer those that it had."""
    write(folder, "plans_anew", MINE % "first")
    modules = PlanModules()
    modules.take(modules.read(["plans_anew"]))
    version = modules.library.version
    write(folder, "plans_anew", MINE % "second_one")
    modules.take(modules.read(["plans_anew"], anew=True))
    assert modules.library.actions.actions.keys() == {*BUILT_IN, "second_one"}
    assert modules.library.version == version + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise OSError('no disk')", "OSError: no disk"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        (MINE % "put", "plans_broken.actions: there is the action 'put' already"),
    ],
)
def test_a_module_that_cannot_be_used_is_refused_with_what_to_do(folder, text, words):
    write(folder, "plans_broken", text)
    with pytest.raises(PlanModuleError) as refused:
        PlanModules().read(["plans_broken"])
    assert words in str(refused.value)
    assert str(refused.value).startswith("actions in plans_broken cannot be read: ")
    assert str(refused.value).endswith("Mend the module, or take it out of REINS_PLANS")
