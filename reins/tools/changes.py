"""A change of a text as a person reads it: a unified diff, bounded in size and in time."""

import difflib

_LINES = 2_000
"""Changed lines that are compared one by one; beyond, the old ones are followed by the new ones."""
_CONTEXT = 3
_SHOWN_BYTES = 64 << 10
_NO_LINE_END = "\\ No newline at end of file"
LEFT_OUT = "[the rest of the diff is left out]"


def diff(path: str, old: str, new: str) -> str:
    """The unified diff of two contents of a file; of a long one its begin.

    A carriage return is shown by its sign, and that the last line has no end as `diff` says it:
    else such a change would look like none.
    """
    before, after = _lines(old), _lines(new)
    begin = _alike(before, after)
    end = _alike(before[begin:][::-1], after[begin:][::-1])
    top = max(0, begin - _CONTEXT)
    keep = max(0, end - _CONTEXT)
    changed = before[top : len(before) - keep], after[top : len(after) - keep]
    if max(map(len, changed)) > _LINES:
        lines = [f"-{line}" for line in changed[0]] + [f"+{line}" for line in changed[1]]
        head = f"@@ -{top + 1},{len(changed[0])} +{top + 1},{len(changed[1])} @@"
        return _bounded([f"--- {path}", f"+++ {path}", head, *lines])
    found = [*difflib.unified_diff(*changed, path, path, lineterm="", n=_CONTEXT)]
    return _bounded([_shifted(line, top) if line.startswith("@@ ") else line for line in found])


def _lines(text: str) -> list[str]:
    """Its lines. The last one says if it has no end, so that it is another than one that has."""
    *lines, last = text.split("\n")
    return [*lines, f"{last}\n{_NO_LINE_END}"] if last else lines


def _alike(before: list[str], after: list[str]) -> int:
    count = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        count += 1
    return count


def _shifted(head: str, by: int) -> str:
    """The head of a hunk with the numbers of lines that it has in the whole file."""
    _, old, new, _ = head.split(" ")
    moved = [
        ",".join([f"{each[0]}{int(each[1:].split(',')[0]) + by}", *each.split(",")[1:]])
        for each in (old, new)
    ]
    return f"@@ {moved[0]} {moved[1]} @@"


def _bounded(lines: list[str]) -> str:
    text = "\n".join(lines).replace("\r", "\N{SYMBOL FOR CARRIAGE RETURN}")
    if len(text) <= _SHOWN_BYTES:
        return text
    return f"{text[:_SHOWN_BYTES]}\n{LEFT_OUT}"
