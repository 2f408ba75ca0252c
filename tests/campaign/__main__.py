"""`make campaign`: kills, losses of power and failing calls by the thousand, and what came of them.

A case that fails prints the command that repeats it alone. Exit code 1 if any did.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.campaign.sweep import FULL, WHO, Site, Sweep
from tests.support.faults import device
from tests.support.faults.case import Bench, Case, Result
from tests.support.faults.control import Fault


class Campaign:
    """Runs cases one after the other, and keeps the count."""

    def __init__(self, at: Path, seed: int, ends_at: float) -> None:
        self._bench, self._seed, self._ends_at = Bench(at), seed, ends_at
        self._began = time.monotonic()
        self.results: list[Result] = []
        self._bench.prepare(seed)
        self._sites = {who: self._bench.call_sites(who) for who in WHO}
        sites = {
            Site(who, *site): times
            for who, counts in self._sites.items()
            for site, times in counts.items()
        }
        self.sweep = Sweep(sites, seed)

    def kills(self, number: int) -> None:
        """Half of them at a random time, half at a call."""
        chance = random.Random(f"kills {self._seed}")
        for each in range(number):
            fault, who = None, "start"
            if each % 2:
                who = chance.choice(WHO)
                call, path = chance.choice(sorted(self._sites[who]))
                nth = chance.randint(1, self._sites[who][call, path])
                fault = Fault(call, path, nth, action=chance.choice(("kill", "kill after")))
            self.run(Case("kill", chance.getrandbits(31), who, fault))

    def losses(self, number: int, *, of_devices: bool) -> None:
        chance = random.Random(f"losses {self._seed}")
        for each in range(number):
            kind = "device" if of_devices and each % 2 else "power"
            fault = None
            if kind == "power" and each % 4 == 0:  # a sync fails before the power does
                call = chance.choice(("syncfs", "syncfs", "fdatasync", "fsync"))
                nth, times = chance.randint(1, 9), chance.randint(1, 3)
                fault = Fault(call, "*", nth, times, chance.choice(FULL))
            self.run(Case(kind, chance.getrandbits(31), "running", fault))

    def errnos(self, at_most: int) -> None:
        """Each errno at each call site, at the first call of it, the second, and so on."""
        self.sweep.run(self.run, at_most, lambda: self.over)

    @property
    def over(self) -> bool:
        return time.monotonic() > self._ends_at

    def run(self, case: Case) -> Result:
        if self.over:
            return Result(case, reached=False)
        result = self._bench.run(case)
        self.results.append(result)
        if not result.well:
            print(f"\r{'; '.join(result.lost + result.doubled + result.wrong)[:2000]}")
            print(f"  again: {command(case, self._seed)}")
        took_s = time.monotonic() - self._began
        bad = sum(not each.well for each in self.results)
        line = f"{len(self.results)} cases in {took_s:.0f} s, {bad} failed; {case.kind} {case.who}"
        print(f"\r{line:<100.100}", end="", flush=True)
        return result


def command(case: Case, seed: int) -> str:
    """The command that repeats the case alone."""
    return f"python -m tests.campaign --seed {seed} --only '{case.as_json()}'"


def lines(results: list[Result]) -> Iterator[str]:
    """The table at the end."""
    head = (
        "kind",
        "cases",
        "reached",
        "acknowledged",
        "shown",
        "refused",
        "lost",
        "doubled",
        "wrong",
    )
    yield "".join(f"{each:>15}" for each in head)
    kinds: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        kinds[result.case.kind].append(result)
    for kind, of in kinds.items():
        yield "".join(f"{each:>15}" for each in (kind, *totals(of).values()))


def totals(results: list[Result]) -> dict[str, int]:
    return {
        "cases": len(results),
        "reached": sum(each.reached for each in results),
        "acknowledged": sum(each.acknowledged for each in results),
        "shown": sum(each.shown for each in results),
        "refused starts": sum(each.refused for each in results),
        "lost": sum(len(each.lost) for each in results),
        "doubled": sum(len(each.doubled) for each in results),
        "wrong": sum(len(each.wrong) for each in results),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--losses", type=int, default=100)
    parser.add_argument("--sites", type=int, default=0, help="calls of each site; 0: all")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--only", help="one case, as a failure prints it")
    parser.add_argument("--out", type=Path, default=Path("campaign.json"))
    given = parser.parse_args()
    at = Path(tempfile.mkdtemp(prefix="reins-campaign-"))
    campaign = Campaign(at, given.seed, time.monotonic() + given.hours * 3600)
    if given.only:
        campaign.run(Case.from_json(given.only))
    else:
        campaign.losses(given.losses, of_devices=device.possible(at / "device"))
        campaign.kills(given.kills)
        campaign.errnos(given.sites)
    results = campaign.results
    print("", *lines(results), sep="\n")
    missed, sites = dict(campaign.sweep.missed()), campaign.sweep.sites
    if not given.only:
        print(f"{len(sites)} call sites; {len(missed)} lack an errno: see {given.out}")
    bad = [each for each in results if not each.well]
    report = {
        "seed": given.seed,
        "totals": {
            kind: totals([each for each in results if each.case.kind == kind])
            for kind in sorted({each.case.kind for each in results})
        },
        "sites": {" ".join(site): times for site, times in sorted(sites.items())},
        "missed": {" ".join(site): names for site, names in missed.items()},
        "failed": [asdict(each) | {"again": command(each.case, given.seed)} for each in bad],
    }
    given.out.write_text(json.dumps(report, indent=1))
    if not bad:
        shutil.rmtree(at)
    else:
        print(f"the folders of what failed are in {at}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
