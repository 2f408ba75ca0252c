"""The preloaded library, compiled at its first use and kept by its source's checksum."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")


def built() -> Path:
    """The library's file. Raises: RuntimeError without gcc."""
    name = f"faults-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    library = Path(tempfile.gettempdir()) / f"reins-faults-{os.getuid()}" / name
    if not library.exists():
        library.parent.mkdir(mode=0o700, exist_ok=True)
        _compile(library)
    return library


def built_if_possible() -> Path | None:
    """The same; None where nothing can compile it: tests that need it say so themselves."""
    return None if shutil.which("gcc") is None else built()


def _compile(library: Path) -> None:
    if (gcc := shutil.which("gcc")) is None:
        raise RuntimeError("gcc was not found; tests of faults compile a small library: install it")
    part = library.with_suffix(f".{os.getpid()}")
    command = [gcc, "-O2", "-shared", "-fPIC", "-o", str(part), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{SOURCE} does not compile: {done.stderr}")
    part.replace(library)
