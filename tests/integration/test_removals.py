"""A sample of `make proofs`: a mending that is taken out is found, and one that is not found is
said.

All of them take minutes. That each is still where its removal looks for it is checked here.
"""

import re

import pytest

from tests.removals.__main__ import prove
from tests.removals.checkout import ROOT, Checkout, Edit, Outcome, Removal, StaleRemovalError
from tests.removals.removals import REMOVALS

SAMPLE = (
    "a lack of memory is taken for damage",
    "a damaged state is not made again from its log",
    "the highest acknowledged number is not noted",
)
"""Of points 1, 4 and 5; the simulation's mutants show the others."""
QUICK = "tests/integration/store/test_damage.py::test_what_is_no_system_error"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("removals"))


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: removal.name)
def test_each_mending_and_its_tests_are_there(removal):
    for edit in removal.edits:
        edit.applied((ROOT / edit.file).read_text())
    for test in removal.found_by:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(), test


def test_every_point_has_its_removals():
    names = [removal.name for removal in REMOVALS]
    assert len(set(names)) == len(names)
    assert {removal.of for removal in REMOVALS} == set(range(1, 7))


@pytest.mark.parametrize("name", SAMPLE)
def test_what_is_taken_out_is_found(name, checkout):
    [removal] = [each for each in REMOVALS if each.name == name]
    outcome = checkout.without(removal)
    assert outcome.found, outcome


def test_a_removal_that_proves_nothing_is_not_found(checkout):
    """A change that changes nothing, one that breaks everything, and a text that is not there."""
    file, old = "store/lance/faults.py", "if isinstance(error, MemoryError):"
    harmless = Removal("nothing", 1, (Edit(file, old, f"{old}  # as before"),), (QUICK,))
    outcome = checkout.without(harmless)
    assert (outcome.found, outcome.missed, outcome.broken) == (False, (QUICK,), ())
    broken = checkout.without(Removal("all", 1, (Edit(file, old, "if ("),), (QUICK,)))
    assert not broken.found
    assert broken.broken
    with pytest.raises(StaleRemovalError, match="has 0 times, expected once"):
        checkout.without(Removal("gone", 1, (Edit(file, "no such line", ""),), (QUICK,)))
    assert (checkout.path / file).read_text() == (ROOT / file).read_text()


class Said:
    """A checkout that says this of whatever is taken out of it."""

    def __init__(self, missed=(), broken=(), failing=()):
        self._outcome, self._failing = Outcome(missed, broken), list(failing)

    def failing(self, tests):
        return self._failing, ""

    def without(self, removal):
        return self._outcome


@pytest.mark.parametrize(
    ("said", "lost"),
    [(Said(), 0), (Said(missed=("t",)), 2), (Said(broken=("t",)), 2), (Said(failing=("t",)), 2)],
)
def test_what_is_not_found_is_counted(said, lost, capsys):
    """Missed by its tests, broken beyond it, or with a test that fails in any case."""
    assert prove(said, REMOVALS[:2]) == lost
    assert bool(re.search(r"NOT FOUND +0 s|these do not pass", capsys.readouterr().out)) == bool(
        lost
    )
