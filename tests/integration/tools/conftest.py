"""Confinements in each way that they can be had: two kinds, by root and by an ordinary user."""

import sys

import pytest

from tests.support.boxes import Box, CannotTryError

WAYS = [
    ("bubblewrap", "root"),
    ("bubblewrap", "user"),
    ("landlock", "root"),
    ("landlock", "user"),
]


def opened(kind, who):
    if sys.platform != "linux":
        pytest.skip("Linux alone has it")
    try:
        return Box(kind, who)
    except CannotTryError as why:
        pytest.skip(f"{kind} by {who}: {why}")


@pytest.fixture(scope="module", params=WAYS, ids=["-".join(way) for way in WAYS])
def box(request):
    """A process that runs commands confined."""
    made = opened(*request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_box():
    """One that confines nothing, by an ordinary user: for comparison."""
    made = opened("unconfined", "user")
    yield made
    made.close()
