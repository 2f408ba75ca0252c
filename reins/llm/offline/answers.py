"""Answers of the offline model: it recognises our prompts, and has an answer to each."""

import contextlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import orjson

from reins.llm.offline import orchestrator, panelist
from reins.llm.offline.choice import choose
from reins.llm.offline.jokes import JOKES
from reins.llm.offline.persona import part_of, reply, summary
from reins.llm.offline.subject import subject_or_none
from reins.llm.offline.task.goals import act
from reins.llm.offline.task.work import Work, summed_up
from reins.llm.text import one_line

MAX_SUBJECT_LENGTH = 60
REMEMBERED_SUBJECTS = 4096

OBJECTS = ("message", "step")
FIELD = re.compile(r'\[(\w+)\] (".*"|\{.*\})')


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt of ours, taken apart: the users' texts by tag, in order, and what was said."""

    fields: Mapping[str, list[str]] = field(default_factory=dict)
    objects: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(self.fields) | frozenset(self.objects)

    @property
    def messages(self) -> Sequence[dict[str, Any]]:
        return self.objects.get("message", ())

    def one(self, tag: str) -> str:
        return self.fields.get(tag, [""])[0]


@dataclass(frozen=True, slots=True)
class Task:
    """A prompt of ours, known by its tags: those that it always has, and those that it may have."""

    always: frozenset[str]
    perhaps: frozenset[str]
    answer: Callable[[Ask], str]

    def fits(self, tags: frozenset[str]) -> bool:
        return self.always <= tags <= self.always | self.perhaps


def read(prompt: Sequence[tuple[str, str]]) -> Ask:
    """Take a prompt apart, given as role and text of each message.

    `[tag] "JSON string"` lines are fields; `[message] {JSON object}` is what somebody said, and
    `[step] {JSON object}` a call that was made. They count in the system's messages and in the
    newest of the user's that has any: where an answer was sent back, the material stands before it.
    Without a system's message it is none of ours. A user's text cannot end its line (JSON escapes
    the break), so it cannot forge a tag; a line that is no JSON is no field.
    """
    rules = [text for role, text in prompt if role == "system"]
    if not rules:
        return Ask()
    asked = [text for role, text in prompt if role == "user"]
    material = next((text for text in reversed(asked) if any(_fields(text))), "")
    fields: dict[str, list[str]] = {}
    objects: dict[str, list[dict[str, Any]]] = {}
    for tag, value in _fields("\n".join([*rules, material])):
        if isinstance(value, str):
            fields.setdefault(tag, []).append(value)
        elif tag in OBJECTS:
            objects.setdefault(tag, []).append(value)
    return Ask(fields, objects)


def _fields(text: str) -> Iterator[tuple[str, Any]]:
    for line in text.split("\n"):
        if found := FIELD.fullmatch(line.strip(" ")):
            with contextlib.suppress(orjson.JSONDecodeError):
                yield found[1], orjson.loads(found[2])


class Answers:
    """Answers by task. Keeps for each subject where in the list of jokes it stands."""

    def __init__(self) -> None:
        self._tasks = [
            _task("subject", "told", self._tell_a_joke),
            _task("guidance", "", lambda ask: subject_or_none(ask.one("guidance"))),
            _task("name tone", "about instruction other summary message", _persona_reply),
            _task("name tone question", "about instruction fact", _panelist_answer),
            _task("message", "summary", _summarize),
            _task("goal action", "seen", _choose_action),
            _task("goal tool", "summary step file fact rejected guidance note", _act),
            _task("goal step", "summary", _sum_up),
            _task("goal worker", "guidance fact problem", _plan),
            _task("goal task acceptance result", "", _judge),
            _task("goal worker planned why", "guidance problem", _replan),
            _task("goal worked", "guidance", _sum_up_tasks),
        ]
        self._told: OrderedDict[str, int] = OrderedDict()

    def to(self, prompt: Sequence[tuple[str, str]]) -> str:
        """The answer to a prompt, given as role and text of each message.

        One that is not ours gets an honest word.
        """
        ask = read(prompt)
        for task in self._tasks:
            if task.fits(ask.tags):
                return task.answer(ask)
        return "This is no language model. Set REINS_MODEL to get real answers."

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


def _task(always: str, perhaps: str, answer: Callable[[Ask], str]) -> Task:
    return Task(frozenset(always.split()), frozenset(perhaps.split()), answer)


def joke_about(subject: str, number: int) -> str:
    return JOKES[number % len(JOKES)].replace("{s}", subject)


def _persona_reply(ask: Ask) -> str:
    """A reply, or the bare word that says there is none."""
    return reply(part_of(ask.fields, ask.messages))


def _panelist_answer(ask: Ask) -> str:
    return panelist.answer(ask.fields)


def _summarize(ask: Ask) -> str:
    return summary(ask.one("summary"), ask.messages)


def _choose_action(ask: Ask) -> str:
    """JSON, as the caller's schema has it."""
    actions = ask.fields.get("action", [])
    action, why = choose(ask.one("goal"), actions, ask.fields.get("seen", []))
    return orjson.dumps({"action": action, "reason": why}).decode()


def _act(ask: Ask) -> str:
    """A call of one of the tools that there are, in the format that is asked for."""
    return act(Work.of(ask.fields, ask.objects.get("step", ()))).answer()


def _sum_up(ask: Ask) -> str:
    return summed_up(ask.one("summary"), ask.objects["step"])


def _plan(ask: Ask) -> str:
    return orchestrator.plan(ask.one("goal"), ask.fields["worker"])


def _judge(ask: Ask) -> str:
    return orchestrator.judge(ask.one("acceptance"), ask.one("result"))


def _replan(ask: Ask) -> str:
    return orchestrator.replan(ask.fields["worker"], ask.fields["planned"])


def _sum_up_tasks(ask: Ask) -> str:
    return orchestrator.sum_up(ask.one("goal"), ask.fields["worked"])


def presentable(subject: str) -> str:
    """A subject on one line, short enough for a joke, cut between words where it can be."""
    return one_line(subject, MAX_SUBJECT_LENGTH) or "nothing in particular"
