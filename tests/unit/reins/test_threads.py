"""Threads of Reins' own."""

import threading

import pytest

from reins.threads import Threads


def test_work_runs_in_a_thread_of_that_name():
    threads = Threads("looks", 1)
    assert threads.begin(lambda: threading.current_thread().name).result().startswith("looks")


def test_work_is_done_here_where_no_thread_can_be_had():
    """At the end of the process; its error is the caller's, as a thread's would be."""
    threads = Threads("looks", 1)
    threads._executor.shutdown()
    assert threads.begin(threading.get_ident).result() == threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        threads.begin(lambda: 1 / 0).result()
