"""Changes of one token that may mend a line of Python, the likeliest first."""

import ast
import builtins
import difflib
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PAIRS = (
    ("+", "-"), ("*", "/"), ("//", "/"), ("*", "**"), ("%", "//"), ("+=", "-="), ("*=", "+="),
    ("<", "<="), (">", ">="), ("<", ">"), ("<=", ">="), ("==", "!="), ("and", "or"),
    ("True", "False"), ("min", "max"), ("any", "all"), ("lower", "upper"), ("lstrip", "rstrip"),
    ("startswith", "endswith"), ("append", "extend"), ("first", "last"), ("keys", "values"),
    ("floor", "ceil"), ("union", "intersection"), ("left", "right"), ("width", "height"),
    ("find", "rfind"), ("continue", "break"), ("*", "+"), ("int", "float"),
)  # fmt: skip
_SWAPS: dict[str, list[str]] = {}
for one, other in _PAIRS:
    _SWAPS.setdefault(one, []).append(other)
    _SWAPS.setdefault(other, []).append(one)
_SWAPS |= {"not": [""], "is": ["is not"], "in": ["not in"]}
_COMPARES = frozenset(("<", "<=", ">", ">="))
_NAMES = 40


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a file and what to put in its place; both with enough lines around to be unique."""

    old: str
    new: str
    what: str


@dataclass(frozen=True, slots=True)
class Clues:
    """The clues of a failed run: functions, a line, unknown names, a difference of one."""

    functions: Sequence[str] = ()
    line: int | None = None
    unknown: Sequence[str] = ()
    by_one: bool = False
    is_syntax: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    row: int
    begin: int
    end: int
    kind: int


def changes(source: str, clues: Clues) -> list[Change]:
    """Each change once, in the order in which to try them."""
    lines = source.split("\n")
    ranks = _ranks(source, clues)
    ranked: list[tuple[tuple[int, int, int], int, str, str]] = []
    for token in _tokens(source):
        rank = ranks.get(token.row)
        if rank is None:
            continue
        line = lines[token.row - 1]
        for kind, text in _others(token, source, clues):
            new = (line[: token.begin] + text + line[token.end :]).rstrip()
            if text == "":
                new = (line[: token.begin] + line[token.end :].lstrip()).rstrip()
            what = f"line {token.row}: {token.text} becomes {text or 'nothing'}"
            ranked.append(((rank, kind, token.row), token.row, new, what))
    if clues.is_syntax and clues.line and clues.line <= len(lines):
        line = lines[clues.line - 1].rstrip()
        ranked += [
            ((-1, 0, 0), clues.line, line + end, f"line {clues.line}: {end} added")
            for end in (":", ")", "]")
        ]
    made = [_change(lines, row, new, what) for _, row, new, what in sorted(ranked, key=_order)]
    return list(dict.fromkeys(made))


def _order(ranked: tuple[tuple[int, int, int], int, str, str]) -> tuple[int, int, int]:
    return ranked[0]


def _change(lines: list[str], row: int, new: str, what: str) -> Change:
    """With the lines before it, until the old text stands in the file once."""
    whole = "\n".join(lines)
    first = row - 1
    while first > 0 and whole.count("\n".join(lines[first:row])) > 1:
        first -= 1
    before = lines[first : row - 1]
    return Change("\n".join([*before, lines[row - 1]]), "\n".join([*before, new]), what)


def _ranks(source: str, clues: Clues) -> dict[int, int]:
    """The lines that may be at fault, by number, with how far each is from what failed."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        near = clues.line or 1
        return {row: abs(row - near) for row in range(max(1, near - 2), near + 3)}
    found = [each for each in ast.walk(tree) if isinstance(each, _FUNCTION)]
    by_name = {each.name: each for each in found}
    wanted = [name for name in clues.functions if name in by_name]
    for name in wanted:  # and what they call in turn; the list grows meanwhile
        wanted += [
            each for each in _called(by_name[name]) if each in by_name and each not in wanted
        ]
    rows = range(1, source.count("\n") + 2)
    ranks = dict.fromkeys(rows, len(wanted) + 1)
    for rank, name in reversed([*enumerate(wanted, 1)]):
        each = by_name[name]
        ranks |= dict.fromkeys(range(each.lineno + 1, (each.end_lineno or each.lineno) + 1), rank)
    if clues.line is not None:
        ranks[clues.line] = 0
    return ranks


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _called(node: ast.AST) -> list[str]:
    names = [
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Name | ast.Attribute)
    ]
    return list(dict.fromkeys(names))


def _tokens(source: str) -> list[_Token]:
    """The tokens on one line each, as far as they can be told."""
    found: list[_Token] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.string.strip() and token.start[0] == token.end[0]:
                (row, begin), end = token.start, token.end[1]
                found.append(_Token(token.string, row, begin, end, token.type))
    except (tokenize.TokenError, SyntaxError):
        pass  # what came before it is known
    return found


def _others(token: _Token, source: str, clues: Clues) -> Iterator[tuple[int, str]]:
    """Texts that may stand in the place of a token, and how likely: the smaller the likelier."""
    if token.text in clues.unknown:
        known = {*re.findall(r"[A-Za-z_]\w+", source), *dir(builtins), *dir(str), *dir(list)}
        known -= set(clues.unknown)
        near = difflib.get_close_matches(token.text, sorted(known), n=3)
        yield from ((-1, name) for name in near)
    swaps = _SWAPS.get(token.text, []) if token.kind in (tokenize.OP, tokenize.NAME) else []
    first = token.text in _COMPARES and clues.by_one
    for n, other in enumerate(swaps):
        yield (0 if first else 1 + min(n, 2)), other
    if token.kind == tokenize.NUMBER and re.fullmatch(r"\d+", token.text):
        number = int(token.text)
        others = [number + 1, number - 1] if number else [1]
        yield from ((0 if clues.by_one else 2, str(each)) for each in others if each >= 0)
        if number == 0:
            yield 3, "-1"
    if token.kind == tokenize.NAME and token.text not in _SWAPS:
        yield from ((4, name) for name in _in_reach(token, source))


def _in_reach(token: _Token, source: str) -> list[str]:
    """Other names that have a value in the function where a token reads one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    for each in ast.walk(tree):
        if isinstance(each, ast.FunctionDef) and each.lineno < token.row <= (each.end_lineno or 0):
            names = [arg.arg for arg in [*each.args.args, *each.args.kwonlyargs]]
            names += [n.id for n in ast.walk(each) if isinstance(n, ast.Name)
                      and isinstance(n.ctx, ast.Store)]  # fmt: skip
            read = {n.col_offset for n in ast.walk(each) if isinstance(n, ast.Name)
                    and n.lineno == token.row and isinstance(n.ctx, ast.Load)
                    and n.id in names}  # fmt: skip
            if token.begin in read:
                return [name for name in dict.fromkeys(names) if name != token.text][:_NAMES]
    return []
