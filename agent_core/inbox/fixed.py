"""The part of a call that a rule fixes: tokens, paths, hosts, arguments; and if a call is covered.

Commands are compared token by token, never as a line of text: a prefix of text is passed by
`cd x &&`, `;` or `git -C`.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent_core.inbox.item import Call, as_json

_HARMLESS = frozenset(
    {
        "basename", "cat", "cksum", "cmp", "cut", "df", "diff", "dirname", "du", "echo", "grep",
        "head", "ls", "md5sum", "nl", "od", "pwd", "readlink", "realpath", "rev", "sha1sum",
        "sha256sum", "stat", "tail", "tr", "true", "uname", "wc", "which", "whoami",
    }
)  # fmt: skip
"""Programs that read and say, whatever tokens follow: none writes a file or runs another."""
_GIT_READS = frozenset(
    {
        "blame", "describe", "diff", "log", "ls-files", "ls-tree", "rev-parse", "shortlog", "show",
        "status",
    }
)  # fmt: skip
_GIT_DOES = ("--output", "--ext-diff", "--textconv")
"""Options of these that write a file, or run a program."""
_OF_ARGV = frozenset({"argv", "timeout_s"})
"""Arguments beside which a command is its tokens alone; any other makes it another command."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """One rule's part of a call; None: that aspect is not fixed.

    `argv` are the tokens of the command, and `more` lets further ones follow. `paths` are patterns
    below the workspace (`*` within a name, `**` over folders), `hosts` are names, or `*.name` for
    all below it. `args` are the arguments as JSON, all of them; `call` is the name of
    that call, also where defaults are spelled out. `anything`: any call of the tool.
    """

    argv: tuple[str, ...] | None = None
    more: bool = False
    paths: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    args: str | None = None
    call: str = ""
    anything: bool = False

    def covers(self, call: Call, *, every: bool) -> bool:
        """True if the call is one of those; `every`: all of its paths and hosts must be."""
        if self.anything:
            return not (every and runs_code(call))
        aspects = call.aspects
        fixes = [
            self.argv is not None
            and _same_tokens(self.argv, aspects.argv, more=self.more, every=every),
            self.args is not None and self._is_same(call),
            self.paths is not None and _among(aspects.paths, self.paths, below, every=every),
            self.hosts is not None and _among(aspects.hosts, self.hosts, _is_host, every=every),
        ]
        asked = [self.argv, self.args, self.paths, self.hosts]
        holds = [fix for fix, given in zip(fixes, asked, strict=True) if given is not None]
        return bool(holds) and all(holds) and (not every or self._leaves_nothing_open(call))

    def _is_same(self, call: Call) -> bool:
        return self.args == plain(call.args) or "" != self.call == call.aspects.call

    def _leaves_nothing_open(self, call: Call) -> bool:
        """True if no aspect of the call is left to chance."""
        if self.args is not None:
            return True
        if self.argv is not None and beside_argv(call):
            return False
        aspects = call.aspects
        return (
            (aspects.argv is None or self.argv is not None)
            and not aspects.code
            and (not aspects.paths or self.paths is not None or aspects.argv is not None)
            and (not aspects.hosts or self.hosts is not None)
        )

    def told(self) -> str:
        """The fixed part in words."""
        if self.anything:
            return "whatever its arguments are"
        said = []
        if self.argv is not None:
            said.append(f"with the command {as_json(self.argv)}" + (" and more" * self.more))
        if self.paths is not None:
            said.append(f"on {' or '.join(self.paths)}")
        if self.hosts is not None:
            said.append(f"to {' or '.join(self.hosts)}")
        if self.args is not None:
            said.append(f"with exactly {self.args:.200}")
        return " ".join(said)

    def stored(self) -> str:
        return as_json(self)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Fixed":
        """As another process stored it."""
        parts = {name: stored.get(name) for name in ("argv", "paths", "hosts")}
        return cls(
            **{name: None if part is None else tuple(part) for name, part in parts.items()},
            more=bool(stored.get("more")),
            args=stored.get("args"),
            call=str(stored.get("call", "")),
            anything=bool(stored.get("anything")),
        )


def plain(args: Mapping[str, Any]) -> str:
    """The arguments as JSON, always the same for the same ones."""
    return as_json(dict(sorted(args.items())))


def beside_argv(call: Call) -> list[str]:
    """The arguments that say more of a command than its tokens do: its input, its folder."""
    return sorted(call.args.keys() - _OF_ARGV)


def runs_code(call: Call) -> bool:
    """True if the call brings a command or code of its own."""
    return call.aspects.argv is not None or call.aspects.code


def may_follow(argv: Sequence[str]) -> bool:
    """True if a command stays harmless, whatever its tokens after those that a rule names.

    `argv` are all of its tokens. A program is one by its bare name: `./ls` may be anything.
    """
    if tuple(argv[:1]) != ("git",):
        return bool(argv) and argv[0] in _HARMLESS
    given = [each.split("=", 1)[0] for each in argv[2:]]
    does_more = any(each[2:] and more.startswith(each) for each in given for more in _GIT_DOES)
    return len(argv) > 1 and argv[1] in _GIT_READS and not does_more


def _same_tokens(
    fixed: Sequence[str], argv: Sequence[str] | None, *, more: bool, every: bool
) -> bool:
    if argv is None or tuple(argv[: len(fixed)]) != tuple(fixed):
        return False
    return len(argv) == len(fixed) or (more and (not every or may_follow(argv)))


def _among(given: Sequence[str], fixed: Sequence[str], fits: Any, *, every: bool) -> bool:
    found = [any(fits(each, pattern) for pattern in fixed) for each in given]
    return bool(found) and (all(found) if every else any(found))


def below(path: str, pattern: str) -> bool:
    """True if a path below the workspace fits a pattern; one that leads out of it fits none."""
    path = posixpath.normpath(path)
    if path.startswith(("/", "../")) or path == "..":
        return False
    return _pattern(posixpath.normpath(pattern)).fullmatch(path) is not None


def _is_host(host: str, pattern: str) -> bool:
    host, pattern = host.rstrip(".").casefold(), pattern.rstrip(".").casefold()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)
