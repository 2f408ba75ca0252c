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

_RUN_OTHERS = frozenset(
    {
        "awk", "bash", "busybox", "bwrap", "chroot", "csh", "dash", "doas", "env", "find", "fish",
        "ionice", "ksh", "make", "nice", "node", "nohup", "npx", "nsenter", "parallel", "perl",
        "php", "prlimit", "python", "ruby", "script", "setarch", "setpriv", "setsid", "sh", "ssh",
        "stdbuf", "strace", "sudo", "su", "taskset", "time", "timeout", "unshare", "watch", "xargs",
        "zsh",
    }
)  # fmt: skip
"""Programs whose further tokens may be any command: no rule lets tokens follow them."""
_OF_ARGV = frozenset({"argv", "timeout_s"})
"""Arguments beside which a command is its tokens alone; any other makes it another command."""
_VERSION = re.compile(r"[0-9.]+$")


@dataclass(frozen=True, slots=True)
class Fixed:
    """One rule's part of a call; None: that aspect is not fixed.

    `argv` are the tokens of the command, and `more` lets further ones follow. `paths` are patterns
    below the workspace (`*` within a name, `**` over folders), `hosts` are names, or `*.name` for
    all below it. `args` are the arguments as JSON, all of them. `anything`: any call of the tool.
    """

    argv: tuple[str, ...] | None = None
    more: bool = False
    paths: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    args: str | None = None
    anything: bool = False

    def covers(self, call: Call, *, every: bool) -> bool:
        """True if the call is one of those; `every`: all of its paths and hosts must be."""
        if self.anything:
            return True
        aspects = call.aspects
        fixes = [
            self.argv is not None and _same_tokens(self.argv, aspects.argv, more=self.more),
            self.args is not None and self.args == plain(call.args),
            self.paths is not None and _among(aspects.paths, self.paths, below, every=every),
            self.hosts is not None and _among(aspects.hosts, self.hosts, _is_host, every=every),
        ]
        asked = [self.argv, self.args, self.paths, self.hosts]
        holds = [fix for fix, given in zip(fixes, asked, strict=True) if given is not None]
        return bool(holds) and all(holds) and (not every or self._leaves_nothing_open(call))

    def _leaves_nothing_open(self, call: Call) -> bool:
        """True if no aspect of the call is left to chance."""
        if self.args is not None:
            return True
        if self.argv is not None and beside_argv(call):
            return False
        aspects = call.aspects
        return (
            (aspects.argv is None or self.argv is not None)
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
            anything=bool(stored.get("anything")),
        )


def plain(args: Mapping[str, Any]) -> str:
    """The arguments as JSON, always the same for the same ones."""
    return as_json(dict(sorted(args.items())))


def beside_argv(call: Call) -> list[str]:
    """The arguments that say more of a command than its tokens do: its input, its folder."""
    return sorted(call.args.keys() - _OF_ARGV)


def runs_others(argv: Sequence[str]) -> bool:
    """True if the tokens after the first may be a command of their own."""
    name = posixpath.basename(argv[0]) if argv else ""
    return name in _RUN_OTHERS or _VERSION.sub("", name) in _RUN_OTHERS


def _same_tokens(fixed: Sequence[str], argv: Sequence[str] | None, *, more: bool) -> bool:
    if argv is None or tuple(argv[: len(fixed)]) != tuple(fixed):
        return False
    return len(argv) == len(fixed) or (more and not runs_others(argv))


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
