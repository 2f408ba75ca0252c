"""A sample of what `make campaign` does by the thousand: failing calls, kills, losses of power.

After each the folder is opened anew: what a helper acknowledged and what a reader was shown is
there, once.
"""

import errno

import pytest

from tests.support.faults import device
from tests.support.faults.case import Bench, Case, Promises, Result, audit
from tests.support.faults.control import Fault

TABLES = "*/data/agent_steps.lance"
CASES = [
    Case("errno", 1, "start", Fault("open", f"{TABLES}/*", 1, None, errno.EMFILE)),
    Case("errno", 2, "start", Fault("pread", f"{TABLES}/*", 2, 1, errno.EIO)),
    Case("errno", 3, "start", Fault("opendir", f"{TABLES}/_versions", 2, 1, errno.EACCES)),
    Case("errno", 4, "running", Fault("syncfs", "*", 1, 1, errno.EIO)),
    Case("errno", 5, "running", Fault("write", f"{TABLES}/data/*", 1, 2, errno.ENOSPC)),
    Case("errno", 6, "running", Fault("fdatasync", "*/journal.sqlite-wal", 3, 1, errno.EIO)),
    Case("errno", 7, "running", Fault("pwrite", "*/journal.sqlite-wal", 2, 1, errno.ENOSPC)),
    Case("errno", 8, "client", Fault("fdatasync", "*/queue.sqlite-wal", 3, 1, errno.EIO)),
    Case("errno", 9, "client", Fault("pwrite", "*/queue.sqlite-wal", 9, 1, errno.ENOSPC)),
    Case("errno", 20, "running", Fault("fdatasync", "*/queue.sqlite-wal", 2, 1, errno.EIO)),
    Case("errno", 21, "running", Fault("link", "*/queue.lance/*", 1, 1, errno.EIO)),
    Case("kill", 10),
    Case("kill", 11, "running", Fault("rename", f"{TABLES}/data/*", 1, action="kill after")),
    Case("kill", 12, "running", Fault("syncfs", "*", 2, action="kill")),
    Case("kill", 13, "client", Fault("pwrite", "*/queue.sqlite-wal", 12, action="kill after")),
    Case("kill", 22, "running", Fault("pwrite", "*/queue.sqlite-wal", 2, action="kill")),
    Case("kill", 23, "running", Fault("fdatasync", "*/queue.sqlite-wal", 1, action="kill after")),
    Case("kill", 24, "running", Fault("link", "*/queue.lance/*", 1, action="kill after")),
    Case("power", 14),
    Case("power", 15),
    Case("power", 16),
    Case("power", 17, "running", Fault("syncfs", "*", 2, 1, errno.EIO)),
    Case("power", 18, "running", Fault("syncfs", "*", 4, 2, errno.EIO)),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    made = Bench(tmp_path_factory.mktemp("bench"), patience_s=10)
    made.prepare()
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.seed}")
def test_what_was_promised_is_there(bench, case):
    result = bench.run(case)
    assert result.reached, "the fault never came to happen"
    assert result.well, result
    assert result.acknowledged > 10
    assert result.shown > 10


def test_what_was_promised_outlives_the_power_of_a_device(bench, tmp_path):
    if not device.possible(tmp_path / "device"):
        pytest.skip("no device may be mounted here")
    result = bench.run(Case("device", 19))
    assert result.well, result
    assert result.acknowledged > 10


def test_an_audit_misses_nothing(bench):
    """Of promises that are not kept each is named."""
    case = Case("kill", 20)
    data = bench.opened_anew()
    result = Result(case)
    audit(data, Promises({"nobody-asked"}, {("s0", 999): "x", ("s0", 1): "something else"}), result)
    assert result.lost == ["action nobody-asked", "row 999 of s0"]
    assert result.wrong == ["row 1 of s0 is not what was shown"]
