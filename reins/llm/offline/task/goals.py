"""The goals that the offline model knows, each by its words, and what it does for each."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from reins.llm.offline.task.acts import (
    ask,
    count_files,
    count_in,
    count_to,
    fetch,
    list_there,
    read,
    recall,
    remember,
    run,
    run_tests,
    search,
    write,
)
from reins.llm.offline.task.fixing import fix
from reins.llm.offline.task.text import quoted
from reins.llm.offline.task.work import Act, NoToolError, Work

KNOWN = (
    "fix the failing test",
    "run the tests",
    "run: COMMAND",
    "list the files in FOLDER",
    "count the files, or the lines in FILE",
    "read FILE",
    "search for TEXT",
    'write "TEXT" to FILE',
    "count to NUMBER in FILE",
    "remember that …",
    "what did I tell you about …",
    "fetch ADDRESS and sum it up",
    "ask me …",
)
_ACCEPTED_IF = "\n\nAccepted if: "
"""How an orchestrator says to a worker what is checked; the goal stands before it."""
_SHOWN = 900
_TRIES = 2


@dataclass(frozen=True, slots=True)
class _Goal:
    """A kind of goal: the words that it is known by, and the next act for it."""

    words: re.Pattern[str]
    next: Callable[[Work, re.Match[str]], Act]


def act(work: Work) -> Act:
    """The next act: for the goal if it is known, else the end of the work with an honest word."""
    try:
        decided = _for_goal(work)
        return _stopped(work, decided) or decided
    except NoToolError as error:
        if "finish" not in work.tools:  # whoever calls has it always; then nothing can be said
            return Act("finish", {"status": "blocked", "summary": str(error)}, str(error))
        return work.end("blocked", f"I cannot do this: {error}.")


def _for_goal(work: Work) -> Act:
    goal = work.goal.partition(_ACCEPTED_IF)[0].strip()
    for kind in _GOALS:
        if found := kind.words.search(goal):
            return kind.next(work, found)
    known = "; ".join(KNOWN)
    return work.end(
        "blocked",
        f"This is no language model, and it does not know this goal. It knows: {known}. Set "
        "REINS_MODEL to a real model for any other.",
    )


def _stopped(work: Work, decided: Act) -> Act | None:
    """The end, where the same call was refused by a person, or failed again and again."""
    if decided.tool == "finish":
        return None
    same = [
        step
        for step in work.of_tool(decided.tool)
        if dict(step.arguments) == dict(decided.arguments) and not step.ok
    ]
    if same and (same[0].was_refused or len(same) >= _TRIES):
        why = same[0].result.strip()[:_SHOWN]
        return work.end("blocked", f"{decided.tool} did not go: {why}")
    return None


_PATH = rf"(?P<path>{quoted}|[\w./~-]+)"
_GOALS = [
    _Goal(re.compile(words, re.IGNORECASE | re.DOTALL), act)
    for words, act in (
        (
            (
                rf"^(?:please )?(?:write|put|save) (?P<text>{quoted}|.+?) (?:in)?to "
                rf"(?:the |a )?(?:file )?{_PATH}\.?$"
            ),
            write,
        ),
        (
            (
                rf"^(?:please )?(?:create|make) (?:the |a )?(?:file )?{_PATH} "
                rf"(?:with|that says) (?:the (?:text|content|words) )?(?P<text>{quoted}|.+)$"
            ),
            write,
        ),
        (rf"^count to (?P<number>\d{{1,4}}) in (?:the )?(?:file )?{_PATH}", count_to),
        (r"^(?:please )?remember (?:that )?(?P<text>.+)$", remember),
        (r"^(?:please )?ask (?:me|us|somebody|a person)\b[,:]?\s*(?P<text>.+)$", ask),
        (
            (
                r"\bwhat (?:did i tell you|do you (?:remember|know)|have i told you)"
                r"(?: about (?P<about>.+?))?\s*\??$"
            ),
            recall,
        ),
        (r"^(?:please )?recall\b(?: (?P<about>.+))?$", recall),
        (r"\b(?:fetch|get|open|read|load|sum up|summari[sz]e)\b.*?(?P<url>https?://\S+)", fetch),
        (
            r"\b(?:fix|mend|repair|make)\b.*\b(?:tests?|bug|suite)\b|\btests? (?:fails?|is red)\b",
            lambda work, _: fix(work),
        ),
        (r"^(?:please )?run (?:all )?(?:the |my )?tests?\b", run_tests),
        (r"^(?:please )?run:? (?P<line>.+)$", run),
        (
            (
                rf"\b(?:count|how many) (?:the |all )?(?P<ending>[\w*.]+ )??files\b"
                rf"(?:.*? in (?:the )?(?:folder )?{_PATH})?"
            ),
            count_files,
        ),
        (
            (
                rf"\b(?:count|how many) (?:the |all )?(?P<what>lines|words)\b.*?"
                rf"(?:\bin|\bof|\bhas|\bhave|\bdoes) (?:the )?(?:file )?{_PATH}"
            ),
            count_in,
        ),
        (
            (
                rf"\b(?:search|look|grep|find) (?:for )?(?P<text>{quoted}|\S+)"
                rf"(?: in (?:the )?(?:folder )?{_PATH})?"
            ),
            search,
        ),
        (
            (
                r"\b(?:list|show|what are|which are) (?:me )?(?:all )?(?:the )?(?:files|folders?)\b"
                rf"(?:.*? (?:in|of|below) (?:the )?(?:folder )?{_PATH})?"
            ),
            list_there,
        ),
        (
            (
                r"^(?:please )?(?:read|show|cat|what is in|what does) (?:me )?(?:the )?"
                rf"(?:file )?{_PATH}(?: (?P<times>\d{1, 3}) times)?"
            ),
            read,
        ),
    )
]
