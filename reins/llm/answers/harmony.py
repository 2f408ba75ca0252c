"""The Harmony format: messages in channels, of which only the final one is for the user.

**Source**: https://github.com/openai/harmony
"""

import re

from reins.llm.answers.tags import Parted, joined

TOKEN = re.compile(r"<\|(start|end|message|channel|constrain|return|call)\|>")
# The same, where the server has left out the tokens and kept the words between them.
BARE_WORDS = ("analysis", "commentary", "assistant")
BEGINNINGS = ("<|", *BARE_WORDS)
MARGIN = 64
BARE = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z\d\"'“¿¡<*(]|[^\x00-\x7f])")
BARE_NAME = re.compile(r"^\s*(?:assistant)?(?:analysis|commentary)")
BARE_FINAL = "assistantfinal"


def may_be_harmony(text: str) -> bool:
    """True of a text that begins as one with channels may, as far as it has come."""
    begun = text[:MARGIN].lstrip()
    return begun.startswith(BEGINNINGS) or any(word.startswith(begun) for word in BEGINNINGS)


def is_harmony(text: str) -> bool:
    """True of a text that holds channels."""
    if "<|channel|>" in text or "<|message|>" in text:
        return True
    return text.lstrip().startswith(BARE_WORDS) and bool(BARE.match(text) or BARE_FINAL in text)


def part_channels(text: str) -> Parted:
    """The final channel as the answer, all others as the thought."""
    if "<|channel|>" not in text and "<|message|>" not in text:
        thought, final, answer = text.rpartition(BARE_FINAL)
        if final:
            return Parted(answer, BARE_NAME.sub("", thought).strip(), found=True)
        return Parted("", BARE_NAME.sub("", text).strip(), found=True, is_open=True)
    answers: list[str] = []
    thoughts: list[str] = []
    before, *pieces = TOKEN.split(text)
    header = ""
    for mark, piece in zip(pieces[::2], pieces[1::2], strict=True):
        if mark == "message":
            (answers if _is_final(header) else thoughts).append(piece)
            header = ""
        elif mark in {"channel", "constrain"}:
            header += f" {mark} {piece}"
        else:
            header = ""
            if mark != "start":
                thoughts.append(piece)  # between two messages nothing should stand
    thoughts.append(header.partition(" channel ")[2])
    before = "" if before.strip() == "assistant" else before
    # Of a thought that the prompt has opened; without a final message it is all there is.
    lone, is_open = bool(answers and before.strip()), not answers
    (thoughts if answers else answers).insert(0, before)
    return Parted(joined(answers), joined(thoughts), found=True, lone=lone, is_open=is_open)


def _is_final(header: str) -> bool:
    """True of a header that names the final channel, or none."""
    channel = header.partition(" channel ")[2].split()
    return not channel or channel[0].startswith("final")
