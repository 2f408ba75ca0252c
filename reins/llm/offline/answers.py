"""What the offline model says: which of our prompts it is asked, and the answer to each."""

import contextlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import orjson

from reins.llm.offline.choice import choose
from reins.llm.offline.jokes import JOKES
from reins.llm.offline.persona import PASS, part_of, reply, summary
from reins.llm.offline.subject import extract_subject
from reins.llm.text import one_line

LABEL = "[offline demo] "
MAX_SUBJECT_LENGTH = 60
REMEMBERED_SUBJECTS = 4096

TASK = re.compile(r"\[task: (\w+)\]")
FIELD = re.compile(r'\[(\w+)\] (".*"|\{.*\})')


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt of ours, taken apart: the users' texts by tag, in order, and what was said."""

    task: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    messages: Sequence[dict[str, Any]] = ()

    def one(self, tag: str) -> str:
        return self.fields.get(tag, [""])[0]


def read(prompt: str) -> Ask:
    """Take a prompt apart: `[task: x]` in its first line, then `[tag] "JSON string"` lines.

    `[message] {JSON object}` is what somebody said. A user's text cannot end its line (JSON
    escapes the break), so it cannot forge a tag; a line that is no JSON is no field.
    """
    first, _, rest = prompt.partition("\n")
    task = TASK.fullmatch(first.strip())
    if task is None:
        return Ask("")
    fields: dict[str, list[str]] = {}
    messages: list[dict[str, Any]] = []
    for line in rest.split("\n"):
        found = FIELD.fullmatch(line.strip(" "))
        if found is None:
            continue
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(found[2])
            if isinstance(value, str):
                fields.setdefault(found[1], []).append(value)
            elif found[1] == "message":
                messages.append(value)
    return Ask(task[1], fields, messages)


class Answers:
    """Answers by task. Keeps for each subject where in the list of jokes it stands."""

    def __init__(self) -> None:
        self._tasks: dict[str, Callable[[Ask], str]] = {
            "tell_a_joke": self._tell_a_joke,
            "extract_subject": lambda ask: extract_subject(ask.one("guidance")),
            "persona_reply": _persona_reply,
            "choose_action": _choose_action,
            "summarize_conversation": lambda ask: (
                LABEL + summary(ask.one("summary").removeprefix(LABEL), ask.messages)
            ),
        }
        self._told: OrderedDict[str, int] = OrderedDict()

    def to(self, prompt: str) -> str:
        """The answer to a prompt; one that is not ours gets an honest word."""
        ask = read(prompt)
        answer = self._tasks.get(ask.task)
        if answer is None:
            return f"{LABEL}This is no language model. Set REINS_MODEL to get real answers."
        return answer(ask)

    def _tell_a_joke(self, ask: Ask) -> str:
        subject = presentable(ask.one("subject"))
        start = self._told.pop(subject, crc32(subject.encode()))
        heard = {joke.strip() for joke in ask.fields.get("told", [])}
        for step in range(len(JOKES)):
            joke = joke_about(subject, start + step)
            if joke not in heard:
                break
        self._told[subject] = start + step + 1
        if len(self._told) > REMEMBERED_SUBJECTS:
            self._told.popitem(last=False)
        return joke


def joke_about(subject: str, number: int) -> str:
    return LABEL + JOKES[number % len(JOKES)].replace("{s}", subject)


def _persona_reply(ask: Ask) -> str:
    """A labelled reply, or the bare word that says there is none."""
    said = reply(part_of(ask.fields, ask.messages))
    return said if said == PASS else LABEL + said


def _choose_action(ask: Ask) -> str:
    """JSON, with the label where it does no harm."""
    actions = ask.fields.get("action", [])
    action, why = choose(ask.one("goal"), actions, ask.fields.get("seen", []))
    return orjson.dumps({"action": action, "reason": LABEL + why}).decode()


def presentable(subject: str) -> str:
    """A subject on one line, short enough for a joke, cut between words where it can be."""
    return one_line(subject, MAX_SUBJECT_LENGTH) or "nothing in particular"
