"""`python -m reins`: the same as `reins`."""

import sys

from reins.cli.main import main

if __name__ == "__main__":
    sys.exit(main(program="python -m reins"))
