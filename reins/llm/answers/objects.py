"""The JSON objects and lists that stand in a text one after the other, with words or without."""

import re

SIGN = re.compile(r'[\[\]{}"\\]')
CLOSED_BY = {"{": "}", "[": "]"}


def objects_in(text: str) -> list[str]:
    """The outermost pieces in brackets that are closed and hold an object, in order.

    Quotation marks count inside of brackets alone: between them words may have any.
    """
    found: list[str] = []
    open_now: list[str] = []
    begun, in_text, skip = 0, False, -1
    for sign in SIGN.finditer(text):
        at, mark = sign.start(), sign[0]
        if at == skip or not (open_now or mark in CLOSED_BY):
            continue
        if in_text and mark == "\\":
            skip = at + 1
        elif mark == '"':
            in_text = not in_text
        elif in_text or mark == "\\":
            continue
        elif mark in CLOSED_BY:
            begun = begun if open_now else at
            open_now.append(CLOSED_BY[mark])
        elif mark == open_now[-1]:
            open_now.pop()
            if not open_now and "{" in (piece := text[begun : at + 1]):
                found.append(piece)
        else:  # no JSON: what was opened is forgotten
            open_now.clear()
    return found
