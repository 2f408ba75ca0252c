"""Programs by what their arguments make of them: command lists that hold another command.

Such a list is as much as a line of shell: a call of high risk, which no rule remembers. The lists
of programs are no wall, the sandbox is; a file that a program reads is not looked into.
"""

import re
from collections.abc import Callable, Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHELL = "a shell reads the line: it can be many commands"
RUNS = "{name} runs what its arguments or its input say: it can be any command"
_SHELLS = _words(
    "ash bash csh dash elvish es fish ksh lksh mksh nu osh pdksh posh pwsh rbash rc rksh rzsh sash "
    "sh tcsh xonsh yash zsh"
)
_SHELL_OPTION = re.compile(r"-[euxvnf]+")
_RUNNERS = _words(
    "abduco apt apt-get arch at batch bear bunx busybox bwrap caffeinate capsh catchsegv ccache "
    "cgexec choom chpst chronic chroot chrt coproc cpulimit crontab daemon daemonize dbus-launch "
    "dbus-run-session dc direnv distcc doas docker docker-compose dtach dumb-init eatmydata ed "
    "emacs emacsclient entr env envdir envuidgid ex expect fakechroot fakeroot faketime firejail "
    "flock gdb gdbserver gosu gtime gtimeout gvim hyperfine i386 ifne ionice ip kubectl ld.so less "
    "linux32 linux64 lldb login logsave ltrace lxc-attach m4 man mise more mosh most mysql nc ncat "
    "netcat newgrp nice nix nix-shell nodemon nohup npx nsenter nsjail numactl nvim osascript "
    "parallel pee perf pipx pkexec podman prlimit proot proxychains psql pty rlwrap rsh run-one "
    "run-parts runas runcon runsv runuser rview rvim scan-build sccache schedtool scp screen "
    "script sem setarch setlock setpriv setsid setuidgid sftp sg socat softlimit ssh ssh-agent "
    "start-stop-daemon stdbuf strace su su-exec sudo systemd-run taskset time timeout tini tmux "
    "torsocks toybox trace-cmd uclampset unbuffer unshare uvx valgrind vi view vim vimdiff vipe "
    "watch watchexec wine x86_64 xargs xterm xvfb-run"
)
"""What follows them is, or may be, a command of its own; or they take commands from their input."""
_INTERPRETERS = _words(
    "bun deno elixir erl ghci gnuplot gosh groovy guile iex ipython irb java jruby js jshell julia "
    "lua luajit micropython mono node nodejs ocaml octave perl php pypy python pythonw qjs r "
    "racket raku rscript ruby sbcl scala scheme swipl tcl tclsh ts-node tsx wish"
)
"""They run a file that is named; or code, from an option or from their input."""
_ASKS = re.compile(r"--?version|--help|-[Vh]")
_PYTHON_OPTION = re.compile(r"-[BbdEIOPqSsuvx]+|-[WX]\w+")
_PYTHON_MODULE = re.compile(r"-[BbdEIOPqSsuvx]*m(.*)")
_MODULES_OF_CODE = _words("asyncio code idlelib pdb runpy timeit trace")
_WORDS = {
    "bun": "exec x", "bundle": "exec", "cmake": "-E -P", "conda": "run", "deno": "eval repl",
    "dotnet": "exec", "hatch": "run shell", "npm": "create exec explore init x", "pdm": "run",
    "pipenv": "run shell", "pixi": "exec run", "pnpm": "create dlx exec", "poetry": "run",
    "rye": "run", "tox": "exec", "uv": "run tool", "yarn": "create dlx exec",
}  # fmt: skip
"""Words behind which programs run what is named."""
_OPTIONS = {
    "cargo": "--config",
    "cpio": "--rsh-command -F",
    "curl": "--config -K",
    "dpkg": "--post-invoke --pre-invoke --status-logger",
    "fd": "--exec --exec-batch -x -X",
    "fdfind": "--exec --exec-batch -x -X",
    "find": "-exec -ok",
    "g++": "-fplugin -specs -wrapper",
    "gcc": "-fplugin -specs -wrapper",
    "go": "-exec -toolexec -vettool",
    "hg": "--config --config-file",
    "install": "--strip-program",
    "npm": "--call --node-options --script-shell --shell -c",
    "pnpm": "--script-shell -c",
    "rg": "--hostname-bin --pre",
    "rsync": "--rsh --rsync-path -e",
    "sort": "--compress-program",
    "split": "--filter",
    "sqlite": "-cmd -init",
    "svn": "--config-option --diff-cmd --diff3-cmd --editor-cmd",
    "tar": "--checkpoint-action --info-script --new-volume-script --rsh-command --to-command "
    "--use-compress-program -F -I",
    "tcpdump": "-z",
    "wget": "--config --execute --use-askpass -e",
    "zip": "--unzip-command -TT",
}
"""Options with which programs run what is named."""
_OF_GIT = "--config-env --exec-path --paginate -c -p"
_GIT = {
    **dict.fromkeys(
        _words(
            "add apply blame branch cat-file check-ignore checkout cherry-pick clean commit "
            "describe ls-files ls-tree merge merge-base mv name-rev notes reflog remote reset "
            "restore rev-list rev-parse revert rm shortlog show-ref stash status switch "
            "symbolic-ref tag worktree"
        ),
        "",
    ),
    **dict.fromkeys(("diff", "log", "show"), "--ext-diff"),
    **dict.fromkeys(("fetch", "ls-remote", "pull"), "--upload-pack"),
    "archive": "--exec --remote",
    "clone": "--config --template --upload-pack -c -u",
    "grep": "--open-files-in-pager -O",
    "init": "--template",
    "push": "--exec --receive-pack",
    "rebase": "--exec -x",
}
"""Subcommands of git, and with which options they run something; any other may be an alias."""
_SAYS = _words("cat echo egrep fgrep git grep ls printf which")
"""They take a shell's name for a text, a file or a message."""
_VERSION = re.compile(r"[-.]?[0-9][0-9.]*[a-z]*$")
_SCRIPT = re.compile(r"\.(?:awk|bash|js|lua|php|pl|py|rb|sed|sh|tcl|ts|zsh)$")
_ASSIGNED = re.compile(r"[\w.]+[:+?!]*=.*", re.DOTALL)
_INNER_SHELL = re.compile(r"(?:^|[\s=/!;&|'\"])(?:[a-z]{0,4}sh|env|sudo|xargs)\s+-\w*[cSs]\b")
_MAKEFILE = re.compile(r"-|(?:-\w*f|--(?:make)?file=)?(?:-|/dev/.*|/proc/.*)|-\w*E.*|--ev.*")
_SED_OPTION = re.compile(r"-[nErsuz]+|-[nErsuz]*i[.\w~]*|--(?:quiet|silent|regexp-extended|posix)")
_SED_ADDRESS = r"(?:\d++|\$|/(?:\\.|[^/\\\n])*+/)"
_SED = re.compile(
    rf"(?:[\s;]*+(?:{_SED_ADDRESS}(?:,[+~]?{_SED_ADDRESS})?)?[ \t]*+!?[ \t]*+"
    r"(?:[pdqGhHgxnNPD=]|[sy]([^\w\s\\])(?:\\.|(?!\1)[^\\\n])*+\1(?:\\.|(?!\1)[^\\\n])*+\1[gpIiMm0-9]*+)"
    r"[ \t]*+(?:[;\n]|\Z))*[\s;]*+"
)
_MOST_SED = 2_000
"""Characters of a script that is looked into."""
_Look = Callable[[str, Sequence[str], str], bool]


def holds_a_command(argv: Sequence[str], stdin: str = "") -> str:
    """The reason why a command list is, or holds, a command of its own; empty where it does not.

    `stdin` is its input, which a shell or an interpreter reads as a program.
    """
    if not argv:
        return ""
    names, arguments = _names(argv[0]), argv[1:]
    if not _SHELLS.isdisjoint(names):
        return "" if _runs_a_file(arguments, _SHELL_OPTION) else SHELL
    for name in names:
        look = _LOOKS.get(name, _by_lists)
        if look(name, arguments, stdin):
            return RUNS.format(name=name)
    return SHELL if _SAYS.isdisjoint(names) and _a_shell_follows(arguments) else ""


def _names(program: str) -> list[str]:
    """Names for a program: `/usr/bin/python3.13t` is a `python`, `bash.real` a `bash`."""
    name = program.rsplit("/", 1)[-1].casefold()
    if name.startswith(("ld-linux", "ld-musl")):
        return ["ld.so"]
    if _SCRIPT.search(name):
        return [name]
    bare = _VERSION.sub("", name)
    return [*dict.fromkeys((name, bare, name.split(".", 1)[0], bare.rsplit("-", 1)[-1]))]


def _runs_a_file(arguments: Sequence[str], plain: re.Pattern[str]) -> bool:
    """True if an interpreter is given a file, behind options that name no program."""
    for each in arguments:
        if _ASKS.fullmatch(each):
            return True
        if not each.startswith(("-", "+")):
            return each != "" and not each.startswith(("/dev/", "/proc/"))
        if not plain.fullmatch(each):
            return False
    return False


def _interprets(name: str, arguments: Sequence[str], _stdin: str) -> bool:
    if arguments and arguments[0] in _WORDS.get(name, "").split():
        return True
    return not _runs_a_file(arguments, re.compile("-jar") if name == "java" else _ASKS)


def _python(_name: str, arguments: Sequence[str], _stdin: str) -> bool:
    for n, each in enumerate(arguments):
        if module := _PYTHON_MODULE.fullmatch(each):
            named = module[1] or "".join(arguments[n + 1 : n + 2])
            return named.split(".", 1)[0] in {"", *_MODULES_OF_CODE}
        if not _PYTHON_OPTION.fullmatch(each):
            break
    return not _runs_a_file(arguments, _PYTHON_OPTION)


def _git(_name: str, arguments: Sequence[str], _stdin: str) -> bool:
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        if _is_one_of(arguments[at], _OF_GIT):
            return True
        at += 2 if arguments[at] in ("-C", "--git-dir", "--work-tree", "--namespace") else 1
    if at >= len(arguments):
        return False
    runs = _GIT.get(arguments[at])
    return runs is None or any("ext::" in each or _is_one_of(each, runs) for each in arguments)


def _sed(_name: str, arguments: Sequence[str], _stdin: str) -> bool:
    at = 0
    scripts: list[str] = []
    while at < len(arguments) and arguments[at].startswith("-"):
        if re.fullmatch(r"-[nErsuz]*e", arguments[at]):
            at += 1
            scripts += arguments[at : at + 1]
        elif not _SED_OPTION.fullmatch(arguments[at]) and not _ASKS.fullmatch(arguments[at]):
            return True
        at += 1
    scripts = scripts or [*arguments[at : at + 1]]
    return any(len(each) > _MOST_SED or not _SED.fullmatch(each) for each in scripts) or any(
        each.startswith("-") for each in arguments[at:]
    )


def _awk(_name: str, arguments: Sequence[str], _stdin: str) -> bool:
    said = "\n".join(arguments).replace("||", "")
    loads = any(re.match(r"-[ilE]|--(?:i|l|ex)", each) or each == "-" for each in arguments)
    return loads or any(each in said for each in ("system", "|", "@", "/dev/", "/proc/", "-f-"))


def _make(_name: str, arguments: Sequence[str], _stdin: str) -> bool:
    """A variable may be the shell, and rules may be given beside the file."""
    return any(_ASSIGNED.fullmatch(each) or _MAKEFILE.fullmatch(each) for each in arguments)


def _sqlite(_name: str, arguments: Sequence[str], stdin: str) -> bool:
    said = [line.lstrip() for each in (*arguments, stdin) for line in each.splitlines()]
    return any(_is_one_of(each, _OPTIONS["sqlite"]) for each in arguments) or any(
        line.startswith(".") or "load_extension" in line or "edit(" in line for line in said
    )


def _tar(name: str, arguments: Sequence[str], stdin: str) -> bool:
    """Its first letters may stand without a dash."""
    return _by_lists(name, [*(f"-{each}" for each in arguments[:1]), *arguments], stdin)


def _by_lists(name: str, arguments: Sequence[str], _stdin: str) -> bool:
    words, options = _WORDS.get(name, "").split(), _OPTIONS.get(name, "")
    return name in _RUNNERS or any(each in words or _is_one_of(each, options) for each in arguments)


def _is_one_of(argument: str, options: str) -> bool:
    """True for one of the options: cut short, with its value, in a cluster of letters."""
    name = argument.split("=", 1)[0]
    for option in options.split():
        if option.startswith("--"):
            found = len(name.strip("-")) > 1 and name[:2] == "--" and option.startswith(name)
        elif option[2:]:
            found = name.startswith((option, f"-{option}"))
        else:
            found = re.match(rf"-\w*{option[1]}", argument) is not None
        if found:
            return True
    return False


def _a_shell_follows(arguments: Sequence[str]) -> bool:
    """True for `… sh -c …` behind a program that nobody knows."""
    for n, each in enumerate(arguments):
        if each.rsplit("/", 1)[-1] in _SHELLS and any(
            given.startswith("-") and "c" in given for given in arguments[n + 1 :]
        ):
            return True
        if _INNER_SHELL.search(each):
            return True
    return False


_LOOKS: dict[str, _Look] = {
    **dict.fromkeys(_INTERPRETERS, _interprets),
    **dict.fromkeys(("ipython", "pypy", "python", "pythonw"), _python),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _awk),
    **dict.fromkeys(("bmake", "gmake", "make", "remake"), _make),
    **dict.fromkeys(("bsdtar", "gtar", "tar"), _tar),
    **dict.fromkeys(("gsed", "sed"), _sed),
    "git": _git,
    "sqlite": _sqlite,
}
