"""A mending taken out of a copy of the checkout, and what the tests say of it then."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
STILL_WORKS = (
    "tests/integration/store/test_journal_proof.py::test_a_kill_is_no_damage",
    "tests/integration/store/test_queue.py::test_threads_share_commits",
)
"""Without any one mending these pass: what is left is Reins, not a heap of errors."""
_LIMIT_S, _LIMIT_FOR_A_TEST_S = 300.0, 30.0
Verdict = Literal["passed", "failed"]


class StaleRemovalError(Exception):
    """The text that a removal takes out is not there once: it names a mending that has moved."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of one file: the text that is there once, and the text in its place."""

    file: str
    old: str
    new: str

    def applied(self, content: str) -> str:
        """The content with the edit. Raises: StaleRemovalError."""
        if (count := content.count(self.old)) != 1:
            raise StaleRemovalError(
                f"{self.file} has {count} times, expected once: {self.old!r}. The mending has "
                "moved; let its removal in tests/removals/removals.py follow it."
            )
        return content.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Removal:
    """One mending of a point, taken out by edits, and the tests of which each must fail then.

    `of` is the point of the promise: 1 an exception is not damage, 2 a sync that failed is not
    repeated, 3 an id is unique for its folder, 4 old damage stays small, 5 the end of a file is
    not proof that nothing followed, 6 order comes from the store.
    """

    name: str
    of: int
    edits: tuple[Edit, ...]
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The tests that passed although the mending is out, and those that failed for another reason
    than it."""

    missed: tuple[str, ...]
    broken: tuple[str, ...]
    said: str = ""

    @property
    def found(self) -> bool:
        return not self.missed and not self.broken


class Checkout:
    """A copy of all files that git knows or would take, to edit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in names.split("\0"):
            if (ROOT / name).is_file():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                copy2(ROOT / name, path / name)

    def without(self, removal: Removal) -> Outcome:
        """Run its tests with the mending out. Raises: StaleRemovalError."""
        with self._edited(removal.edits):
            verdicts, said = self._run([*removal.found_by, *STILL_WORKS])
        missed = tuple(test for test in removal.found_by if verdicts.get(test) != "failed")
        broken = tuple(test for test in STILL_WORKS if verdicts.get(test) != "passed")
        return Outcome(missed, broken, said)

    def failing(self, tests: Sequence[str]) -> tuple[list[str], str]:
        """The tests among these that do not pass as the checkout is, and what pytest said."""
        verdicts, said = self._run(tests)
        return [test for test in tests if verdicts.get(test) != "passed"], said

    @contextmanager
    def _edited(self, edits: Sequence[Edit]) -> Iterator[None]:
        before = {edit.file: (self.path / edit.file).read_text() for edit in edits}
        try:
            for edit in edits:
                path = self.path / edit.file
                path.write_text(edit.applied(path.read_text()))
            self._forget_compiled(before)
            yield
        finally:
            for file, content in before.items():
                (self.path / file).write_text(content)
            self._forget_compiled(before)

    def _forget_compiled(self, files: Sequence[str] | dict[str, str]) -> None:
        """Of the same size and second, the bytecode of before would be taken for that of now."""
        for file in files:
            path = self.path / file
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                compiled.unlink()

    def _run(self, tests: Sequence[str]) -> tuple[dict[str, Verdict], str]:
        """Each test with its verdict, "failed" if one of its cases did; one that could not be run
        has none."""
        report = self.path / "report.xml"
        report.unlink(missing_ok=True)
        limit_s = _LIMIT_S + _LIMIT_FOR_A_TEST_S * len(tests)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        try:
            done = subprocess.run(
                [*command, f"--junitxml={report}", *dict.fromkeys(tests)],
                cwd=self.path, capture_output=True, text=True, check=False, timeout=limit_s,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {}, f"the tests did not end within {limit_s:.0f} s"
        cases = ET.parse(report).getroot().iter("testcase") if report.exists() else ()
        return _verdicts(tests, cases), done.stdout[-2000:] + done.stderr[-1000:]


def _verdicts(tests: Sequence[str], cases: Iterator[ET.Element] | tuple[()]) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for case in cases:
        own = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
        for test in {own, own.partition("[")[0]} & set(tests):
            if case.find("failure") is not None:
                found[test] = "failed"
            elif case.find("error") is None and case.find("skipped") is None:
                found.setdefault(test, "passed")
    return found
