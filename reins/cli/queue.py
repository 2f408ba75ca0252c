"""`python -m queue_imp`: the verbs that steer and look, as a command of their own."""

import sys
from collections.abc import Sequence

from reins.cli.folder import data_option
from reins.cli.main import STEER, LazyGroup
from reins.cli.outcome import run

queue = data_option(LazyGroup(summary="Steer the agents of a data folder.", verbs=STEER))


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    return run(queue, arguments, program="python -m queue_imp")


if __name__ == "__main__":
    sys.exit(main())
