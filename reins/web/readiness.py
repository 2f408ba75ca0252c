"""Readiness: would an action be taken up, and a row be written, at this moment?"""

import os
import time
from pathlib import Path

from reins.web.bridge import Bridge
from reins.web.figures import WorkerFigures
from store.queue.writer import QueueWriter

MIN_FREE_BYTES = 16 << 20
"""Free space of the data folder's disk below which a batch of the flush may not fit any more."""
_STUCK_POLLS = 5
_STUCK_S = 10.0
"""The dispatcher counts as stuck after this long without a poll, or after `_STUCK_POLLS` periods,
whichever is longer: a slow disk alone must not take a worker out of service."""
_NEWS_S = 30.0
"""A failure to enqueue counts for this long: where nothing is sent, nothing can succeed."""


def reasons(bridge: Bridge) -> dict[str, str]:
    """Reasons not to be ready: a short one that tells a stranger nothing, and the details by it."""
    found: dict[str, str] = {}
    figures = bridge.figures()
    if figures is not None:
        found |= _of_worker(figures)
    elif bridge.worker_pid() is None:
        found["no worker"] = (
            "no worker runs on the data folder; start one: python app.py, or python -m agents"
        )
    return found | _of_folder(bridge.store.folder.path) | _of_writer(bridge.writer)


def _of_folder(folder: Path) -> dict[str, str]:
    """The disk's state, which every process sees."""
    try:
        disk = os.statvfs(folder)
    except FileNotFoundError:
        return {}  # made by the first who writes
    except OSError as error:
        return {"the data folder cannot be read": f"{folder}: {error.strerror}; check its disk"}
    found: dict[str, str] = {}
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < MIN_FREE_BYTES:
        found["the disk is full"] = (
            f"{free_bytes} bytes are free on the data folder's disk; expected at least "
            f"{MIN_FREE_BYTES}: free some space, nothing is lost meanwhile"
        )
    elif disk.f_files and not disk.f_favail:
        found["the disk is full"] = (
            "the data folder's disk has no room for another file (no inode is free); "
            "delete some files, nothing is lost meanwhile"
        )
    if not os.access(folder, os.W_OK):
        found["the data folder is read-only"] = (
            f"{folder} cannot be written; check its permissions, and how its disk is mounted"
        )
    return found


def _of_writer(writer: QueueWriter) -> dict[str, str]:
    """Failures of this process's own writing, while they are news: the next to try may succeed."""
    failure = writer.last_failure
    if failure is None or time.monotonic() - failure[0] > _NEWS_S:
        return {}
    return {"actions cannot be enqueued": failure[1]}


def _of_worker(figures: WorkerFigures) -> dict[str, str]:
    found: dict[str, str] = {}
    if figures.commit_error is not None:
        found["the last commit failed"] = (
            f"the journal's last commit failed: {figures.commit_error}. "
            "Check the disk; what was not committed is tried again"
        )
    if figures.flush_error is not None:
        found["the last flush failed"] = (
            f"the last flush into the tables failed: {figures.flush_error}. "
            "Check the disk; its rows stay in the journal, and it is tried again"
        )
    if figures.mark_error is not None:
        found["actions cannot be marked"] = (
            f"finished actions cannot be marked in the queue: {figures.mark_error}. "
            "Check the disk; it is tried again"
        )
    if figures.ended:
        found["the worker has stopped"] = (
            f"ended by itself: {', '.join(figures.ended)}. See the log, and start it again"
        )
    if figures.poll_age_s > max(_STUCK_S, _STUCK_POLLS * figures.poll_s):
        found["the dispatcher is stuck"] = (
            f"the queue's last successful poll was {figures.poll_age_s:.0f} s ago; expected one "
            f"each {figures.poll_s:g} s. See the log; if an agent blocks the loop, restart"
        )
    return found
