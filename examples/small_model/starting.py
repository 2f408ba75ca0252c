"""Starts the model's server beside a program, and writes the file of routes to it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-model" / "bin" / "python"
SERVE = Path(__file__).with_name("serve.py")
NAME = "SmolLM2-135M-Instruct (a demonstration: 135M parameters)"
"""As pages and rows show it."""

_ENDS_S = 10.0
_ROUTE = """
[routes.{route}]
provider = "compatible"
base_url = "{address}/v1"
model = "{name}"
temperature = 0
max_tokens = 200
deadline_s = 600
attempt_s = 300
concurrency = 1
{further}
"""


class NotServedError(Exception):
    """The model's environment is not there, or its server did not start."""


@contextmanager
def served(*command: str | Path) -> Iterator[str]:
    """The address of the model's server, which ends with the block, and with this process.

    `command` is what serves, if it is not the small model: it prints its address, and ends with
    its standard input. Raises: NotServedError.
    """
    if not command and not PYTHON.exists():
        raise NotServedError(f"There is no {PYTHON}. Run: make model-setup")
    # A session of its own: Ctrl-C in the terminal reaches the program first, not the server.
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        command or (PYTHON, SERVE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            if not address.startswith("http://127.0.0.1:"):
                raise NotServedError(
                    f"The model's server did not start: it said {address[:80]!r}, and an address "
                    "on this machine was expected. Run it by itself to see why: "
                    f"{' '.join(map(str, command or (PYTHON, SERVE)))}"
                )
            yield address
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()


def routes_file(folder: Path, address: str, **options: str) -> Path:
    """A file of one route each, by its name, with further lines; the first is the default."""
    first = next(iter(options))
    routes = [
        _ROUTE.format(route=route, address=address, name=NAME, further=further)
        for route, further in options.items()
    ]
    path = folder / "models.toml"
    path.write_text("".join([f'default = "{first}"\n', *routes]), encoding="utf-8")
    return path
