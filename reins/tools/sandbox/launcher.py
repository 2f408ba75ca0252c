"""A program that confines itself and runs a command, where there can be no namespaces.

Started as `python -I -S launcher.py ORDER COMMAND…`; imports nothing of ours. Landlock leaves the
command the files that ORDER names, the seccomp filter takes what Landlock does not know, and this
process ends all that the command has left behind. Source: landlock(7), prctl(2).
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import struct
import sys
import time
from typing import Any

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_BENEATH = 1
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_TRUNCATE, _REFER, _DEVICES = 3, 2, 5
"""Versions since which there is a right for it."""
_NETWORK, _SCOPES = 4, 6
_SET_PDEATHSIG, _SET_SECCOMP, _SET_SUBREAPER, _NO_NEW_PRIVS, _DROP_BOUND = 1, 22, 36, 38, 24
_FILTER = 2
_LAST_CAPABILITY = 63
_AGAIN_S = 0.002
_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Landlock's version in this kernel; 0 where there is none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION)))


def _checked(result: int, doing: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{doing}: {os.strerror(ctypes.get_errno())}")
    return result


def _prctl(option: int, *given: int, doing: str) -> None:
    arguments = [ctypes.c_ulong(each) for each in (*given, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *arguments), doing)


def _ruleset(readable: list[str], writable: list[str]) -> int:
    """A ruleset's descriptor: all that Landlock knows is refused but for these. Raises: OSError."""
    has = version()
    files = (1 << 13) - 1
    for since, bit in ((_REFER, 13), (_TRUNCATE, 14), (_DEVICES, 15)):
        files |= 1 << bit if has >= since else 0
    network = 3 if has >= _NETWORK else 0
    scopes = 3 if has >= _SCOPES else 0  # abstract sockets, signals
    attributes = struct.pack("=QQQ", files, network, scopes)
    size = 24 if has >= _SCOPES else 16 if has >= _NETWORK else 8
    made = _checked(_libc.syscall(_CREATE_RULESET, attributes, size, 0), "landlock")
    for paths, rights in ((readable, files & _READ), (writable, files & ~(1 << 15))):
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                _allow(made, path, rights)
    _allow(made, "/dev/null", files & (1 << 1 | 1 << 2 | 1 << 14))
    return made


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib takes 8 ms to import
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _BENEATH, rule, 0), f"landlock, {path}")
    finally:
        os.close(descriptor)


def _limit(limits: dict[str, int], user: int | None) -> None:
    for name, most in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        if name == "NPROC" and user is None:
            most += _threads_of(os.getuid())  # noqa: PLW2901 - it counts all of the user's
        hard = resource.getrlimit(number)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (bound, bound))


def _threads_of(user: int) -> int:
    found = 0
    for entry in _entries("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                found += len(_entries(f"{entry.path}/task"))
    return found


def _give_up_rights(user: int | None) -> None:
    if user is not None:
        for capability in range(_LAST_CAPABILITY + 1):
            _libc.prctl(_DROP_BOUND, ctypes.c_ulong(capability), 0, 0, 0)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _prctl(_NO_NEW_PRIVS, 1, doing="no new privileges")


def _take_filter(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    given = Program(len(program) // 8, program)
    _prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(given), doing="seccomp")


def _become(order: dict[str, Any], argv: list[str]) -> None:
    """Turn this process into the command. Raises: OSError."""
    user = order["user"]
    os.setsid()
    ruleset = None
    if order["confined"]:
        ruleset = _ruleset(order["readable"], order["writable"])
    program = b"" if order["filter"] is None else os.read(order["filter"], 1 << 16)
    os.chdir(order["folder"])
    _limit(order["limits"], user)
    _give_up_rights(user)
    # After the change of user, which clears it. The launcher may have ended meanwhile.
    _prctl(_SET_PDEATHSIG, signal.SIGKILL, doing="death with the parent")
    if os.getppid() != order["launcher"]:
        os._exit(1)
    if ruleset is not None:
        _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock")
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and so by whoever inherits it
        signal.signal(ignored, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.closerange(3, 256)
    if program:
        _take_filter(program)
    os.execvpe(argv[0], argv, order["environment"])  # noqa: S606 - an argument list


def confine(readable: list[str], writable: list[str], program: bytes | None) -> bool:
    """Leave this process, before it has threads, these files and what the filter lets it call.

    False where the kernel cannot keep it from files. Raises: OSError.
    """
    has = version() > 0
    _prctl(_NO_NEW_PRIVS, 1, doing="no new privileges")
    if has:
        ruleset = _ruleset(readable, writable)
        _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock")
        os.close(ruleset)
    if program is not None:
        _take_filter(program)
    return has


def _below(pid: int) -> list[int]:
    found: list[int] = []
    todo = [pid]
    while todo:
        for task in _entries(f"/proc/{todo.pop()}/task"):
            below = [int(child) for child in _read(f"{task.path}/children").split()]
            found += below
            todo += below
    return found


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _end_all() -> None:
    """Stop all that is left, until nobody can start others, and kill them."""
    stopped: set[int] = set()
    while left := [pid for pid in _below(os.getpid()) if pid not in stopped]:
        for pid in left:
            _send(pid, signal.SIGSTOP)
        stopped.update(left)
    while True:
        for pid in _below(os.getpid()):
            _send(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_AGAIN_S)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _await(child: int, ends: set[signal.Signals], most_s: float) -> int:
    """The child's code, once it has ended: by itself, when asked to, or when its time is over."""
    deadline = time.monotonic() + most_s
    status = None
    while True:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == child:
                    status = found[1]
        left_s = deadline - time.monotonic()
        if status is not None:
            return os.waitstatus_to_exitcode(status)
        if left_s <= 0:
            return -signal.SIGKILL
        got = signal.sigtimedwait({*ends, signal.SIGCHLD}, left_s)
        if got is not None and got.si_signo in ends:
            return -signal.SIGKILL


def main() -> int:
    order, argv = json.loads(sys.argv[1]), sys.argv[2:]
    ends = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, {*ends, signal.SIGCHLD})
    _prctl(_SET_SUBREAPER, 1, doing="subreaper")
    _prctl(_SET_PDEATHSIG, signal.SIGTERM, doing="death with the parent")
    if os.getppid() != order["parent"]:
        return 1
    order["launcher"] = os.getpid()
    child = os.fork()
    if not child:
        try:
            _become(order, argv)
        except BaseException as error:  # noqa: BLE001 - told where the output goes
            os.write(2, f"{argv[0]}: {error}\n".encode())
        os._exit(127)
    code = _await(child, ends, order["time_s"])
    _end_all()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
