"""The count of failed syncs, which all processes share."""

import pytest

from store import shared_numbers
from store.failed_syncs import FailedSyncs


@pytest.fixture
def path(tmp_path):
    return tmp_path / "failed-syncs.count"


def test_a_failure_is_seen_by_who_comes_later(path):
    FailedSyncs(path).add()
    later = FailedSyncs(path)
    assert (later.count, later.unsettled) == (1, True)
    later.settle(later.count)
    assert (FailedSyncs(path).count, FailedSyncs(path).unsettled) == (1, False)


def test_a_failure_that_came_after_the_count_stays_unsettled(path):
    syncs = FailedSyncs(path)
    syncs.add()
    count = syncs.count
    FailedSyncs(path).add()
    syncs.settle(count)
    assert syncs.unsettled
    syncs.settle(0)  # an older one does not take it back
    syncs.settle(2)
    assert not syncs.unsettled


def test_a_loss_of_power_leaves_nothing_to_settle(path, monkeypatch):
    FailedSyncs(path).add()
    monkeypatch.setattr(shared_numbers, "boot_id", lambda: "another")
    assert (FailedSyncs(path).count, FailedSyncs(path).unsettled) == (0, False)
    FailedSyncs(path).add()
    assert FailedSyncs(path).count == 1


@pytest.mark.parametrize("content", [b"", b"\0" * 60, b"one two", b"\xff\xfe"])
def test_a_file_that_does_not_read_counts_nothing(path, content):
    path.write_bytes(content)
    syncs = FailedSyncs(path)
    assert syncs.count == 0
    syncs.add()
    assert syncs.unsettled


def test_a_failure_that_cannot_be_noted_is_known_here(tmp_path):
    syncs = FailedSyncs(tmp_path / "not there" / "failed-syncs.count")
    syncs.add()
    assert (syncs.count, syncs.unsettled) == (1, True)
    (tmp_path / "not there").mkdir()
    syncs.settle(syncs.count)
    assert not syncs.unsettled
