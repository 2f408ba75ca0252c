"""Which confinement there is here, found by running a command in each; the first that works."""

import os
import platform
import sys
import tempfile
from functools import cache
from pathlib import Path

import structlog

from reins.tools.sandbox import bubblewrap, landlock, launcher, seatbelt, seccomp
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement

_logger = structlog.get_logger(__name__)
_PROBE_S = 10.0
_ROOT = "0"


async def probe(*, unconfined: bool = False) -> Confinement:
    """The confinement of this machine, for this user. `unconfined`: a setting allows none.

    Done once, at the start: it takes some ten milliseconds. In the end commands are refused.
    """
    reasons: list[str] = []
    for made in (by_bubblewrap(), by_landlock(), _by_seatbelt()):
        if isinstance(made, str):
            reasons.append(made)
            continue
        if (why := await fails(made)) is None:
            told = "; ".join((made.detail, *reasons)) if reasons else made.detail
            return Confinement(made.kind, told, made.program, made.filter)
        reasons.append(f"{made.detail} does not work here: {why}")
    why = "; ".join(filter(None, reasons))
    if unconfined:
        _logger.warning("commands of tools are not confined", why=why)
        return Confinement("unconfined", f"allowed by REINS_TOOLS_UNCONFINED; {why}")
    return Confinement("none", why)


async def here() -> Confinement:
    """The same, found once for this process: for scripts that hand none down."""
    kept = _kept()
    if not kept:
        kept.append(await probe())
    return kept[0]


@cache
def _kept() -> list[Confinement]:
    return []


def by_bubblewrap() -> Confinement | str:
    """The confinement by bubblewrap, or why there is none; not tried out."""
    program, own_filter = bubblewrap.found(), seccomp.program()
    if program is None:
        return "there is no bubblewrap"
    if own_filter is None:
        return f"no filter of system calls is known for {platform.machine()}"
    return Confinement("bubblewrap", f"bubblewrap ({program})", program, own_filter)


def by_landlock() -> Confinement | str:
    """The confinement without namespaces, or why there is none; not tried out."""
    version = launcher.version() if sys.platform == "linux" else 0
    own_filter = seccomp.program(namespaces=False, signals=version >= landlock.SIGNALS_SINCE)
    if not version or own_filter is None:
        return "the kernel has no Landlock"
    detail = f"Landlock {version} and a filter of system calls, without namespaces"
    return Confinement("landlock", detail, filter=own_filter)


def _by_seatbelt() -> Confinement | str:
    program = seatbelt.found()
    return Confinement("seatbelt", "sandbox-exec, untested", program) if program else ""


async def fails(made: Confinement) -> str | None:
    """None where a command runs in it, as an ordinary user; else the reason."""
    with tempfile.TemporaryDirectory(prefix="reins-probe-") as folder:
        try:
            os.chown(folder, made.owner or -1, made.owner or -1)
            ran = await made.run(["id", "-u"], Path(folder), Limits(time_s=_PROBE_S))
        except OSError as error:
            return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if not ran.ok:
        return ran.output.strip()[:200] or f"{ran.end} {ran.code}"
    return "commands would be root" if ran.output.strip() == _ROOT else None
