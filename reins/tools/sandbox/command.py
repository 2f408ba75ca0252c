"""A command as it is asked for: what to run, where, and within which bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """The time is the clock's. Address space, processor time, files and their size are those of
    each process; `memory_bytes` is what all processes of the command hold together. `output_bytes`
    of output end the command, `scratch_bytes` fit into `/tmp`.
    """

    time_s: float = 60.0
    cpu_s: int = 600
    memory_bytes: int = 2 << 30
    address_bytes: int = 4 << 30
    file_bytes: int = 256 << 20
    scratch_bytes: int = 256 << 20
    processes: int = 128
    files: int = 1_024
    output_bytes: int = 32 << 20

    @property
    def processes_of_all(self) -> int:
        """Processes of all commands at once, where one user has them all: one alone cannot hold
        up the others, since it ends before.
        """
        return 4 * self.processes

    @property
    def second_end_s(self) -> float:
        """Seconds after which the command is ended from inside, should nobody wait any more."""
        return self.time_s + 5


@dataclass(frozen=True, slots=True)
class Command:
    """`environment` is added to what every command has. `readable` are folders that it may read, by
    their own paths. `network`: it may use that of the machine, which only bubblewrap can grant.
    """

    argv: Sequence[str]
    workspace: Path
    limits: Limits = field(default_factory=Limits)
    stdin: bytes = b""
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: Sequence[Path] = ()
