"""The offline model as an orchestrator's: plans for a few kinds of goals, and honest verdicts.

Its plans are fixed, what comes of them is real: the program that it has written has a fault, the
tests that it has written find it, and whoever is told to mend it has to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from reins.llm.text import one_line

_PLANNED = re.compile(
    r"(?P<id>\S+) for (?P<worker>.+?)(?:, after (?P<needs>[^:]*?))?, (?P<state>[a-z]+): "
    r"(?P<brief>.*?)(?: Accepted if: (?P<acceptance>.*?))?"
    r"(?: Result \((?P<came>\w+)\): (?P<result>.*))?",
    re.DOTALL,
)
_FAILED = re.compile(r"\bexit code [1-9]|\bFAILED\b|\bfailures=\d|\berrors=\d|\b[1-9]\d* failed\b")
_ADDRESS = re.compile(r"https?://[^\s,;\"')]+")
_PANELIST = re.compile(r"\bpanelist\b", re.IGNORECASE)
_PASSED = re.compile(r"\bexit code 0\b|\bOK\b|\bpassed\b")
_TESTS = re.compile(r"\btest", re.IGNORECASE)
_ALL_WELL = "all tests pass"
_IN_VOICE = "it takes a position on the question"
_LINE_CHARS = 300
_RESULT_CHARS = 120
_BRIEF_CHARS = 1_000
_MOST_READ = 12

_PROGRAM = '''\
"""Count the words of a text: python wordcount.py < FILE"""

import sys


def count_words(text):
    words = 0
    for line in text.splitlines():
        words -= len(line.split())
    return words


if __name__ == "__main__":
    print(count_words(sys.stdin.read()))
'''
_PROGRAM_TESTS = """\
import unittest

from wordcount import count_words


class TestCountWords(unittest.TestCase):
    def test_two_lines(self):
        self.assertEqual(count_words("one two\\nthree"), 3)

    def test_nothing(self):
        self.assertEqual(count_words(""), 0)


if __name__ == "__main__":
    unittest.main()
"""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A task as the prompt tells it."""

    id: str
    worker: str
    needs: Sequence[str]
    state: str
    brief: str
    acceptance: str


def plan(goal: str, cards: Sequence[str]) -> str:
    """JSON of the tasks for a goal: a question to a panel, a program with tests, addresses to be
    read, or any other.
    """
    names = [card.partition(":")[0] for card in cards]
    if all(_PANELIST.search(card) for card in cards):
        return _tasks(
            *(
                _task(f"t{n}", name, one_line(goal, _BRIEF_CHARS), acceptance=_IN_VOICE)
                for n, name in enumerate(names, 1)
            )
        )
    tester, other = _tester_and_other(cards)
    if tester is not None and other is not None and _TESTS.search(goal):
        return _tasks(
            _task("t1", other, f"write {_PROGRAM.rstrip()} to wordcount.py"),
            _task("t2", tester, f"write {_PROGRAM_TESTS.rstrip()} to test_wordcount.py"),
            _task("t3", tester, "run the tests", needs=["t1", "t2"], acceptance=_ALL_WELL),
        )
    if addresses := _ADDRESS.findall(goal)[:_MOST_READ]:
        return _tasks(
            *(
                _task(f"t{n + 1}", names[n % len(names)], f"fetch {address} and sum it up")
                for n, address in enumerate(addresses)
            )
        )
    brief = one_line(goal, _BRIEF_CHARS)
    return _tasks(*(_task(f"t{n}", name, brief) for n, name in enumerate(names, 1)))


def judge(acceptance: str, result: str) -> str:
    """JSON of a verdict, by what the result itself says."""
    try:
        told: dict[str, Any] = orjson.loads(result)
    except ValueError:
        told = {}
    summary = str(told.get("summary", ""))
    if _FAILED.search(summary):
        return _verdict("replan", f"a test fails: {summary}")
    if told.get("status") != "done":
        return _verdict("again", f"it is {told.get('status', 'not readable')}: {summary}")
    if acceptance == _ALL_WELL and not _PASSED.search(summary):
        return _verdict("again", f"it tells of no tests that pass: {summary}")
    return _verdict("accept", f"as was asked: {acceptance}" if acceptance else "it is done")


def replan(cards: Sequence[str], planned: Sequence[str]) -> str:
    """JSON of the tasks that are to come: a fix and a new run, or what was open."""
    tasks = [_read(line) for line in planned]
    there = [task for task in tasks if task is not None]
    number = max((int(n) for t in there if (n := t.id.removeprefix("t")).isdigit()), default=0)
    tester, other = _tester_and_other(cards)
    names = [card.partition(":")[0] for card in cards]
    failed = [task for task in there if task.state == "failed"]
    open_now = [task for task in there if task.state == "open"]
    if failed and _TESTS.search(failed[-1].brief):
        fix, check = f"t{number + 1}", f"t{number + 2}"
        return _tasks(
            _task(fix, other or names[0], "fix the failing test"),
            _task(check, tester or names[0], "run the tests", needs=[fix], acceptance=_ALL_WELL),
        )
    if open_now and not failed:
        return _tasks(
            *(
                _task(t.id, t.worker, t.brief, needs=[*t.needs], acceptance=t.acceptance)
                for t in open_now
            )
        )
    last = (failed or there)[-1]
    return _tasks(_task(f"t{number + 1}", last.worker, last.brief, acceptance=last.acceptance))


def sum_up(goal: str, worked: Sequence[str]) -> str:
    """JSON of the end: done if the last task is, with a line for each."""
    tasks = [found for line in worked if (found := _PLANNED.fullmatch(line)) is not None]
    status = "done" if tasks and tasks[-1]["state"] == "done" else "failed"
    lines = [
        f"- {found['id']} {found['worker']}, {found['state']}: "
        f"{_in_short(found['result'] or '', found['acceptance'])}"
        for found in tasks
    ]
    told = "\n".join([f"{goal}: {status}, in {len(lines)} tasks.", "", *lines])
    return orjson.dumps({"status": status, "summary": told}).decode()


def _in_short(result: str, acceptance: str | None) -> str:
    """The end of a result, where runs of tests say how they went, on one line; of a position, the
    beginning.
    """
    if acceptance == _IN_VOICE:
        return one_line(result, _RESULT_CHARS)
    words = " ".join(result.split())
    return words if len(words) <= _RESULT_CHARS else f"… {words[-_RESULT_CHARS:]}"


def _tester_and_other(cards: Sequence[str]) -> tuple[str | None, str | None]:
    """The worker that tests, and the first of the others."""
    names = [card.partition(":")[0] for card in cards]
    tester = next((name for name in names if _TESTS.search(name)), None)
    return tester, next((name for name in names if name != tester), None)


def _read(line: str) -> _Planned | None:
    found = _PLANNED.fullmatch(line)
    if found is None:
        return None
    needs = [each.strip() for each in (found["needs"] or "").split(",") if each.strip()]
    return _Planned(
        found["id"],
        found["worker"],
        needs,
        found["state"],
        found["brief"],
        found["acceptance"] or "",
    )


def _task(
    name: str, worker: str, brief: str, *, needs: Sequence[str] = (), acceptance: str = ""
) -> dict[str, Any]:
    return {
        "id": name, "worker": worker, "brief": brief, "acceptance": acceptance, "needs": [*needs],
    }  # fmt: skip


def _tasks(*tasks: dict[str, Any]) -> str:
    return orjson.dumps({"tasks": tasks}).decode()


def _verdict(verdict: str, reason: str) -> str:
    return orjson.dumps({"verdict": verdict, "reason": reason[:_LINE_CHARS]}).decode()
