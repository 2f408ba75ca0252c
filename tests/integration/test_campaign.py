"""`make campaign` fails every call site of a run with every errno."""

import errno

import pytest

from tests.campaign.sweep import WHO, Site, Sweep
from tests.support.faults.case import Bench, Result

TABLES = "*/data/agent_steps.lance"
SITES = {
    "start": [
        ("open", "*/data/owner.lock"), ("pread", "*/data/journal.sqlite"),
        ("opendir", f"{TABLES}/_versions"), ("open", "*/data/format.json"),
    ],
    "running": [
        ("pwrite", "*/data/journal.sqlite-wal"), ("fdatasync", "*/data/journal.sqlite-wal"),
        ("write", f"{TABLES}/data/.tmp*"), ("rename", f"{TABLES}/_versions/.tmp*"),
        ("syncfs", "*/data"), ("link", "*/data/queue.lance/_versions/*.manifest#*"),
        ("mkdir", f"{TABLES}/_indices/*"), ("write", "*/data/messages.lance/data/.tmp*"),
        ("unlink", "*/data/owner.json"),
    ],
    "client": [
        ("pwrite", "*/data/queue.sqlite-wal"), ("fdatasync", "*/data/queue.sqlite-wal"),
        ("pwrite", "*/data/queue.acknowledged"), ("open", "*/data/journal.sqlite-wal"),
    ],
}  # fmt: skip
"""Of each part of the store some that no run can do without."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    made = Bench(tmp_path_factory.mktemp("bench"))
    made.prepare()
    return made


@pytest.mark.parametrize("who", WHO)
def test_sites_are_those_of_a_run(bench, who):
    """Of start, flush with its compaction, journal, queue and stop; none of a running worker's is
    the start's."""
    sites = bench.call_sites(who)
    assert set(SITES[who]) <= set(sites)
    assert (("open", "*/data/owner.lock") in sites) == (who == "start")


CALLS = {
    Site("start", "open", "*/a"): 2,
    Site("running", "syncfs", "*"): 1,
    Site("client", "rename", "*/b"): 3,
}


def swept(at_most):
    """The faults of a sweep over calls that are made so often."""
    faults, sweep = [], Sweep(CALLS, 1)

    def run(case):
        site = Site(case.who, case.fault.call, case.fault.path)
        faults.append((site, case.fault))
        return Result(case, reached=case.fault.nth <= CALLS[site])

    sweep.run(run, at_most, lambda: False)
    return faults, sweep


@pytest.mark.parametrize("at_most", [0, 1, 2])
def test_every_errno_comes_at_every_call(at_most):
    faults, sweep = swept(at_most)
    done = {(site, fault.nth, fault.errno) for site, fault in faults}
    expected = {
        (site, nth, code)
        for site, times in CALLS.items()
        for nth in range(1, min(times, at_most or times) + 1)
        for code in site.errnos
    }
    assert expected <= done
    assert len(done) == len(faults)
    assert list(sweep.missed()) == []


def test_faults_come_once_and_for_ever():
    """An interrupted call once: whoever is interrupted tries again."""
    faults, _ = swept(0)
    assert {fault.times for _, fault in faults} == {1, None}
    assert {fault.times for _, fault in faults if fault.errno == errno.EINTR} == {1}


def test_what_never_came_to_happen_is_named():
    """A site that another run does not reach, and one that the time did not suffice for."""
    sweep = Sweep({Site("start", "fsync", "*/a"): 1, Site("start", "stat", "*/b"): 1}, 1)
    sweep.run(lambda case: Result(case, reached=False), 1, lambda: False)
    assert dict(sweep.missed()) == {
        Site("start", "fsync", "*/a"): ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
        Site("start", "stat", "*/b"): ["EACCES", "EIO", "ENOMEM"],
    }
