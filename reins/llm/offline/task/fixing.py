"""Mends what makes a test fail by changes of one token, each undone where it does not help."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from reins.llm.offline.task.mutations import Change, Clues, changes
from reins.llm.offline.task.text import entries, exit_code, is_test, lines_of, test_command
from reins.llm.offline.task.work import Act, Step, Work

MOST_TRIES = 12
_TEST_FILES = 3
_FRAME = re.compile(r"([\w./-]+\.py)(?:\", line |:)(\d+)")
_FAILED = re.compile(r"(?:FAIL|ERROR): (\w+)|FAILED \S*?::(\w+)(?:\[| |$)", re.MULTILINE)
_COUNTS = re.compile(r"(?:failures|errors)=(\d+)")
_UNKNOWN = re.compile(r"(?:NameError: name|has no attribute|cannot import name) '(\w+)'")
_NUMBERS = re.compile(r"(?:AssertionError: |assert )(-?\d+)(?:\.0)? [!=]= (-?\d+)")
_IMPORT = re.compile(r"^\s*(?:from ([\w.]+) import ([\w, ()]+)|import ([\w.]+))", re.MULTILINE)


@dataclass(slots=True)
class _Edit:
    """A change that was made and stands; `helped` once a run of the tests went better after it."""

    path: str
    old: str
    new: str
    helped: bool = False


@dataclass(slots=True)
class _Progress:
    """The steps so far as tries: what stands, what was tried, and how the last run ended."""

    standing: list[_Edit] = field(default_factory=list)
    tried: set[tuple[str, str, str]] = field(default_factory=set)
    passed: int = 0
    last_run: Step | None = None
    is_tested: bool = False
    """The tests have run since the last change that was not an undoing."""
    unsure: _Edit | None = None
    """A change of which nobody knows whether it was made."""

    def take(self, step: Step) -> None:
        if step.tool == "run_command" and step.ok:
            self._ran(step)
        elif step.tool == "edit_file":
            self._edited(step)
        elif step.tool == "read_file" and self.unsure and self.unsure.path == step.given("path"):
            if self.unsure.new in "\n".join(lines_of(step.result)):
                self._stands(self.unsure)
            self.unsure = None

    def _ran(self, step: Step) -> None:
        newest = self.standing[-1] if self.standing else None
        passed = passed_in(step.result)
        if newest is not None and not self.is_tested:
            newest.helped = went_well(step.result) or passed > self.passed
        if newest is None or newest.helped:
            self.passed, self.last_run = passed, step
        self.is_tested = True

    def _edited(self, step: Step) -> None:
        edit = _Edit(step.given("path"), step.given("old"), step.given("new"))
        top = self.standing[-1] if self.standing else None
        undoes = top is not None and (edit.path, edit.old, edit.new) == (top.path, top.new, top.old)
        if not undoes:
            self.tried.add((edit.path, edit.old, edit.new))
        if not step.ok:
            self.unsure = edit if "unknown" in step.result else None
        elif undoes:
            self.standing.pop()
        else:
            self._stands(edit)

    def _stands(self, edit: _Edit) -> None:
        self.standing.append(edit)
        self.is_tested = False


def went_well(result: str) -> bool:
    return exit_code(result) == 0


def passed_in(result: str) -> int:
    """How many tests passed in a run."""
    if found := re.search(r"(\d+) passed", result):
        return int(found[1])
    ran = re.search(r"^Ran (\d+) tests?", result, re.MULTILINE)
    return int(ran[1]) - sum(map(int, _COUNTS.findall(result))) if ran else 0


def fix(work: Work) -> Act:
    """The next act towards tests that pass."""
    listed = next((s for s in work.of_tool("list_files") if s.is_whole), None)
    if listed is None:
        return work.act("list_files", "I look at what is there.", depth=4)
    files = [name for name in entries(listed.result) if name.endswith(".py")]
    tests = [name for name in files if is_test(name)][:_TEST_FILES]
    if not tests:
        return work.end("blocked", "I see no file of tests (test_*.py) here, so none can fail.")
    for path in tests:
        if not _sources(work, path):
            return work.act("read_file", f"{path} says what is expected.", path=path)
    progress = _Progress()
    for step in work.steps:
        progress.take(step)
    return _next(work, progress, files, tests)


def _sources(work: Work, path: str) -> list[Step]:
    return [s for s in work.of_tool("read_file") if s.given("path") == path and s.is_whole]


def _next(work: Work, progress: _Progress, files: list[str], tests: list[str]) -> Act:
    said = {path: "\n".join(lines_of(_sources(work, path)[0].result)) for path in tests}
    argv = test_command(tests, [*said.values()])
    if progress.unsure is not None:
        return work.act("read_file", "Was that done? I look.", path=progress.unsure.path)
    if progress.last_run is None or not progress.is_tested:
        broken = _cannot_run(work, argv)
        return broken or work.act("run_command", "I see what the tests say.", argv=argv)
    said_last = progress.last_run.result
    if "No module named pytest" in said_last or "Ran 0 tests" in said_last:
        return work.end("blocked", f"No test was run: {said_last.strip()[-300:]}")
    if went_well(said_last):
        return _passed(work, progress)
    newest = progress.standing[-1] if progress.standing else None
    if newest is not None and not newest.helped:
        return work.act(
            "edit_file", "That did not help: I undo it.",
            path=newest.path, old=newest.new, new=newest.old,
        )  # fmt: skip
    return _try(work, progress, files, said)


def _cannot_run(work: Work, argv: list[str]) -> Act | None:
    ran = work.last("run_command", argv=argv)
    if ran is not None and not ran.ok and not ran.was_refused:
        return work.end("blocked", f"The tests cannot be run here: {ran.result.strip()[:600]}")
    return None


def _passed(work: Work, progress: _Progress) -> Act:
    changed = sorted({edit.path for edit in progress.standing})
    if not changed:
        return work.done("All tests pass; nothing had to be changed.")
    told = "; ".join(
        f"In {edit.path}, {_line(edit.old, edit.new)!r} became {_line(edit.new, edit.old)!r}"
        for edit in progress.standing
    )
    tries = len(progress.tried)
    return work.done(f"All tests pass now. {told}. Changes tried: {tries}.", files=changed)


def _line(text: str, other: str) -> str:
    """The first line in which a text differs from another."""
    lines, others = text.split("\n"), other.split("\n")
    return next((a for a, b in zip(lines, others, strict=False) if a != b), text).strip()


def _try(work: Work, progress: _Progress, files: list[str], said: dict[str, str]) -> Act:
    result = progress.last_run.result if progress.last_run else ""
    suspects = _suspects(result, files, said)
    if not suspects:
        return work.end("blocked", "The tests fail, and I do not see which file is at fault.")
    misses = len(progress.tried) - sum(edit.helped for edit in progress.standing)
    for path in suspects:
        reads = _sources(work, path)
        if not reads:
            return work.act("read_file", f"{path} may be at fault.", path=path)
        source = _as_it_stands(work, reads[0], path)
        for change in changes(source, _clues(result, path, said)):
            if _may(work, progress, path, change) and misses < MOST_TRIES:
                why = f"Perhaps {path}, {change.what}."
                return work.act("edit_file", why, path=path, old=change.old, new=change.new)
    kept = sorted({edit.path for edit in progress.standing})
    return work.end(
        "failed",
        f"The tests still fail. I tried {len(progress.tried)} changes of one token, and none of "
        "them was enough; those that did not help are undone.",
        files=kept,
    )


def _may(work: Work, progress: _Progress, path: str, change: Change) -> bool:
    """False for what was tried, and for what a person said to leave alone."""
    if (path, change.old, change.new) in progress.tried:
        return False
    return not any(name in path or name in change.old for name in work.left_alone)


def _as_it_stands(work: Work, read: Step, path: str) -> str:
    """The file as it was read, with what was changed since."""
    text = "\n".join(lines_of(read.result))
    steps = list(work.steps)
    for step in steps[steps.index(read) :]:
        if step.tool == "edit_file" and step.ok and step.given("path") == path:
            text = text.replace(step.given("old"), step.given("new"), 1)
    return text


def _suspects(result: str, files: list[str], said: dict[str, str]) -> list[str]:
    """The files that may be at fault: those of the traceback, then those that the tests import."""
    frames = [path for path, _ in _FRAME.findall(result)]
    seen = [file for frame in reversed(frames) for file in files if _is_at(frame, file)]
    named = {
        module.replace(".", "/")
        for source in said.values()
        for one, names, other in _IMPORT.findall(source)
        for module in (one, other, *(f"{one}.{name.strip(' ()')}" for name in names.split(",")))
        if module
    }
    ours = [file for file in files if file.removesuffix(".py") in named]
    packages = [file for file in files if file.removesuffix("/__init__.py") in named]
    found = dict.fromkeys([*seen, *ours, *packages])
    return [file for file in found if not is_test(file)]


def _is_at(frame: str, file: str) -> bool:
    return frame == file or frame.endswith(f"/{file}")


def _clues(result: str, path: str, said: dict[str, str]) -> Clues:
    numbers = _NUMBERS.search(result)
    lines = [int(line) for frame, line in _FRAME.findall(result) if _is_at(frame, path)]
    return Clues(
        functions=list(dict.fromkeys(_asked_for(result, said))),
        line=lines[-1] if lines else None,
        unknown=_UNKNOWN.findall(result),
        by_one=numbers is not None and abs(int(numbers[1]) - int(numbers[2])) == 1,
        is_syntax="SyntaxError" in result or "IndentationError" in result,
    )


def _asked_for(result: str, said: dict[str, str]) -> Iterator[str]:
    """The names that the tests which failed make use of, in their order."""
    failed = [one or other for one, other in _FAILED.findall(result)]
    for source in said.values():
        for name in failed:
            at = source.find(f"def {name}(")
            if at >= 0:
                body = source[at + 4 :].partition("def ")[0]
                yield from re.findall(r"\w+", body)
    for source in said.values():
        yield from (word for _, names, _ in _IMPORT.findall(source) for word in names.split(", "))
