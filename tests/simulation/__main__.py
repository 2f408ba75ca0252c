"""`python -m tests.simulation --seed N` repeats a run; `--seeds M` runs as many from there on."""

import argparse
import sys
import time
import traceback

from tests.simulation.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds")
    parser.add_argument("--trace", action="store_true", help="print all that happened")
    asked = parser.parse_args()
    failed, began = 0, time.perf_counter()
    for seed in range(asked.seed, asked.seed + asked.seeds):
        told = run(seed)
        if asked.trace:
            print("\n".join(told.trace))
        if told.error is not None:
            failed += 1
            print(f"seed {seed} failed: {type(told.error).__name__}: {told.error}")
            if asked.seeds == 1:
                traceback.print_exception(told.error)
        elif asked.seeds == 1:
            print(f"seed {seed} holds: {told.rows} rows, trace {told.digest[:16]}")
    if asked.seeds > 1:
        took_s = time.perf_counter() - began
        print(f"{asked.seeds} seeds from {asked.seed}: {failed} failed, {took_s:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
