"""Lines of the offline model's voices: chosen by tone, filled in, and known again when heard."""

import re
from collections.abc import Mapping
from functools import lru_cache

from reins.llm.offline.voices import GENERIC, VOICES, Voice

SLOT = re.compile(r"\{(\w+)\}")
LONGEST_SLOT = 48
# Of one to five words, as we put them in: what a person imitates is taken no further.
TOPIC = re.compile(r"[\w\u2019'-]+(?: [\w\u2019'-]+){0,4}")


def voice_of(tone: str) -> Voice:
    """The voice for a tone; the generic one, which names the tone, where none is meant."""
    words = re.findall(r"\w+", tone.lower())
    for voice in VOICES:
        if any(word.startswith(voice.stems) for word in words):
            return voice
    return GENERIC


def filled(line: str, values: Mapping[str, str]) -> str:
    """The line as it is said. In one pass: what is put in is not looked through for slots."""
    said = SLOT.sub(lambda slot: values[slot[1]], line.replace("*", ""))
    return said[:1].upper() + said[1:]


def touched(line: str) -> list[str]:
    """The things in stars, of which one could speak next."""
    things = re.findall(r"\*([^*]+)\*", line)
    return [thing if thing[0].isupper() else f"the {thing}" for thing in things]


def pieces(line: str) -> list[str]:
    """The fixed parts of a line, around its slots."""
    return SLOT.split(line.replace("*", ""))[::2]


@lru_cache(maxsize=4096)
def recognised(text: str) -> tuple[str, str]:
    """Which of our lines a text holds, and with which topic; two empty texts for none."""
    for line, before, after, others in _known():
        start = text.find(before) + len(before)
        end = text.find(after, start)
        if start >= len(before) and 0 < end - start <= LONGEST_SLOT:
            topic = text[start:end]
            if all(piece in text for piece in others) and TOPIC.fullmatch(topic):
                return line, topic
    return "", ""


@lru_cache(maxsize=1)
def _known() -> list[tuple[str, str, str, list[str]]]:
    """Each line with what stands before and after its topic, and its other pieces."""
    lines = [line for voice in (*VOICES, GENERIC) for line in (*voice.lines, *voice.answers)]
    found = []
    for line in lines:
        at = [slot[1] for slot in SLOT.finditer(line)].index("t")
        parts = pieces(line)
        found.append((line, parts[at], parts[at + 1], [*parts[:at], *parts[at + 2 :]]))
    return found
