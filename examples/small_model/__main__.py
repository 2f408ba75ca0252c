"""Reins on a real small model, with no key and no network: `make model`.

SmolLM2-135M-Instruct is served on this machine, and its answers are held to a JSON schema. It is
a demonstration: a model of this size seldom does what it is asked.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from examples.small_model.starting import NAME, NotServedError, routes_file, served

CONSTRAINED = 'json_schema = "tools"'
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str], serving: Sequence[str] = ()) -> int:
    """Serve the model (or what `serving` starts), run Reins on it, end both; the exit code."""
    try:
        with served(*serving) as address, tempfile.TemporaryDirectory(prefix="reins-") as folder:
            file = routes_file(Path(folder), address, small=CONSTRAINED)
            print(f"The model is {NAME}.", flush=True)
            return run([sys.executable, "-m", "reins", "run", *arguments], file)
    except NotServedError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # while the server started
        return 130


def run(command: Sequence[str], routes: Path) -> int:
    """Run Reins to its end. Signals are passed on, each once, and the server is there to the end.

    So Reins has a session of its own: Ctrl-C in a terminal would reach it twice, which means to
    end it at once.
    """
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if not started:
            early.append(number)
        for process in started:
            process.send_signal(number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    environ = {**os.environ, "REINS_MODELS": str(routes)}
    with subprocess.Popen(  # noqa: S603 - our own arguments
        command, env=environ, start_new_session=True
    ) as process:
        started.append(process)
        for number in early:
            process.send_signal(number)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
