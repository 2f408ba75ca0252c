"""Faults of file calls in other processes, switched on and off while they run.

    with Faults(tmp_path) as faults:
        worker = Worker(data, logs, settings=faults.environment)
        faults.on(Fault("syncfs", path="*/data", nth=3, times=1, errno=errno.EIO))
        ...
        faults.off()

Paths are absolute; `*` in a pattern stands for slashes too. A process sees a fault at its next
call. Every process with the environment shares the counts, one that is started later as well.
"""

import ctypes
import errno as errnos
import mmap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from tests.support.faults import library

CALLS = (
    "open", "read", "pread", "write", "pwrite", "fsync", "fdatasync", "syncfs", "rename", "unlink",
    "link", "ftruncate", "mkdir", "rmdir", "opendir", "stat", "copy",
)  # fmt: skip
"""Kinds of calls, each with all its forms: `open` is open, open64, openat and openat64."""
ACTIONS = ("errno", "kill", "short", "kill after")
_RULES, _PATH, _MAGIC, _EVER = 16, 512, 0x7265696E73663031, 1 << 62
_PER_PROCESS = "FAULTS_CONTROL"


@dataclass(frozen=True, slots=True)
class Fault:
    """The calls numbered `nth` to `nth + times - 1` of a kind, on paths that fit, go wrong.

    `times` None: for ever. `action`: the call fails with `errno`; the process is killed before the
    call or after it; or a read or write does half of what it was asked. A rename or link fits by
    either path. `nth` 0 fails nothing, and counts.
    """

    call: str | tuple[str, ...]
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    errno: int = errnos.EIO
    action: Literal["errno", "kill", "short", "kill after"] = "errno"

    def __post_init__(self) -> None:
        if unknown := set(self.calls) - set(CALLS):
            raise ValueError(f"calls {sorted(unknown)} are unknown; known are {CALLS}")

    @property
    def calls(self) -> tuple[str, ...]:
        return (self.call,) if isinstance(self.call, str) else self.call


class _Rule(ctypes.Structure):
    _fields_ = (
        ("on", ctypes.c_uint32), ("calls", ctypes.c_uint32), ("action", ctypes.c_uint32),
        ("code", ctypes.c_uint32), ("nth", ctypes.c_uint64), ("times", ctypes.c_uint64),
        ("seen", ctypes.c_uint64), ("failed", ctypes.c_uint64), ("path", ctypes.c_char * _PATH),
    )  # fmt: skip


class _Control(ctypes.Structure):
    _fields_ = (
        ("magic", ctypes.c_uint64), ("active", ctypes.c_uint32), ("tracing", ctypes.c_uint32),
        ("recording", ctypes.c_uint32), ("syncs", ctypes.c_uint32), ("failures", ctypes.c_uint32),
        ("root", ctypes.c_char * _PATH),
        ("trace", ctypes.c_char * _PATH), ("record", ctypes.c_char * _PATH),
        ("rules", _Rule * _RULES),
    )  # fmt: skip


class Faults:
    """The switchboard of faults for the processes that get its `environment`."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the control file; it is not the folder whose files are to fail."""
        self._library = library.built()
        self._file = folder / "faults.control"
        self.trace_file, self.record_file = folder / "faults.trace", folder / "faults.record"
        self._file.write_bytes(bytes(ctypes.sizeof(_Control)))
        with self._file.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)
        self._control = _Control.from_buffer(self._shared)
        self._control.trace = bytes(self.trace_file)
        self._control.record = bytes(self.record_file)
        self._control.magic = _MAGIC

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.off()
        self._control.tracing = self._control.recording = 0
        self._control.active = 0

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a process needs in its environment, from its start."""
        return {"LD_PRELOAD": str(self._library), _PER_PROCESS: str(self._file)}

    def on(self, *faults: Fault) -> None:
        """These faults and no others, with counts from zero."""
        if len(faults) > _RULES:
            raise ValueError(f"{len(faults)} faults were given; there is room for {_RULES}")
        self.off()
        for rule, fault in zip(self._control.rules, faults, strict=False):
            rule.calls = sum(1 << CALLS.index(call) for call in fault.calls)
            rule.action, rule.code = ACTIONS.index(fault.action), fault.errno
            rule.nth = fault.nth
            rule.times = _EVER if fault.times is None else fault.times
            rule.path = fault.path.encode()
            rule.seen = rule.failed = 0
            rule.on = 1
        self._update()

    def off(self) -> None:
        for rule in self._control.rules:
            rule.on = 0
        self._update()

    def seen(self, number: int = 0) -> int:
        """Calls so far that fit the fault of that number, failed or not."""
        return int(self._control.rules[number].seen)

    def failed(self, number: int = 0) -> int:
        return int(self._control.rules[number].failed)

    def trace(self, root: Path | None) -> None:
        """Note every call below `root`; None ends that."""
        self._control.root = bytes(root or Path())
        self._control.tracing = int(root is not None)
        self._update()

    def traced(self) -> Counter[tuple[str, str]]:
        """How often each kind of call was made on each path."""
        if not self.trace_file.exists():
            return Counter()
        lines = self.trace_file.read_text().splitlines()
        return Counter((call, path) for call, _, path in (line.partition("\t") for line in lines))

    def record(self, root: Path | None) -> None:
        """Put on record every change below `root`, and every sync; None ends that."""
        self._control.root = bytes(root or Path())
        self._control.recording = int(root is not None)
        self._update()

    def _update(self) -> None:
        on = any(rule.on for rule in self._control.rules)
        self._control.active = int(on or self._control.tracing or self._control.recording)


def attach(environment: dict[str, str]) -> None:
    """Put this process, which was forked, under the faults of `environment`."""
    if (given := environment.get(_PER_PROCESS)) is None:
        return
    if ctypes.CDLL(None).faults_attach(given.encode()) != 0:
        raise RuntimeError(f"{given} is no control file of the library that is preloaded")


def note(text: str) -> None:
    """Write `text` into the record, at this moment; nothing without the library."""
    try:
        written = ctypes.CDLL(None).faults_note
    except AttributeError:
        return
    written(text.encode())
