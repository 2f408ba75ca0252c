"""`make proofs`: each mending is taken out, and the tests that it stands for must miss it.

Exit code 1 if one was not missed, or if a test fails although nothing was taken out.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.removals.checkout import Checkout, Removal
from tests.removals.removals import REMOVALS


def prove(checkout: Checkout, removals: Sequence[Removal]) -> int:
    """Say of each if it is found; returns how many are not."""
    failing, said = checkout.failing(sorted({test for each in removals for test in each.found_by}))
    if failing:
        print(f"with nothing taken out these do not pass: {failing}\n{said}")
        return len(removals)
    lost = 0
    for removal in removals:
        began = time.monotonic()
        outcome = checkout.without(removal)
        verdict = "found" if outcome.found else "NOT FOUND"
        took_s = time.monotonic() - began
        print(f"point {removal.of}  {verdict:<9}  {took_s:4.0f} s  {removal.name}", flush=True)
        if not outcome.found:
            lost += 1
            print(f"  passed all the same: {outcome.missed}; broken: {outcome.broken}")
            print(outcome.said)
    print(f"{len(removals)} mendings taken out, {lost} not found")
    return lost


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.removals", description=__doc__)
    parser.add_argument("--only", action="append", help="a removal's name; may be repeated")
    parser.add_argument("--point", type=int, action="append", help="all removals of a point")
    asked = parser.parse_args()
    if unknown := set(asked.only or ()) - {removal.name for removal in REMOVALS}:
        parser.error(f"there is no removal {sorted(unknown)}; see tests/removals/removals.py")
    chosen = [
        removal
        for removal in REMOVALS
        if removal.name in (asked.only or [removal.name])
        and removal.of in (asked.point or [removal.of])
    ]
    with tempfile.TemporaryDirectory(prefix="reins-removals-") as at:
        return 1 if prove(Checkout(Path(at)), chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
