"""Watches a folder and acts: what is dropped there becomes work for a session.

python app.py                                          # a worker, anywhere on this data folder
python examples/folder_watch.py inbox                  # each *.txt is a subject for a joke
python examples/folder_watch.py inbox --type task      # each *.txt is a goal for a task

The first file creates the session, each further one interrupts it. A file is moved to `done/` once
its action has been applied, to `refused/` with the reason where it was not. Who stops this in the
middle (Ctrl-C) starts it again: an action's id is made of its file, so that none is done twice.
"""

import argparse
import hashlib
import logging
import queue
import sys
import time
from pathlib import Path
from typing import Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from store.agent_state import get_agent_state

ACTOR = "folder_watch"
WORK = {
    "joke": lambda text: ({"subject": text}, {"subject": text}),
    "task": lambda text: (
        {"goal": text, "when_finished": "idle"},  # it waits for the next file
        {"type": "set_goal", "goal": text},
    ),
}
"""Of each type, the config of its session for the first file, and the guidance for the next."""
MOST_BYTES = 16_384
QUIET_S = 0.3
"""Seconds for which a file must stay as it is: it may still be written."""
PATIENCE_S = 10.0
"""Seconds for a file to be taken up, before it is said that it was not."""
LOOK_S = 2.0
"""Seconds between two looks at the folder, for what no event has told."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make work for a session of dropped files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--session", default="folder", help="its id (folder)")
    parser.add_argument("--type", default="joke", choices=sorted(WORK), help="its type (joke)")
    parser.add_argument("--files", type=int, help="end after so many files")
    given = parser.parse_args()
    folder: Path = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # it calls a stop an error
    done = 0
    with Changes(folder) as changes:
        while given.files is None or done < given.files:
            for path in sorted(folder.glob("*.txt")):
                if is_whole(path):
                    done += act(path, given.session, given.type)
            changes.wait()
    return 0


class Changes(FileSystemEventHandler):
    """Tells when something in the folder has changed; several changes at once are one."""

    def __init__(self, folder: Path) -> None:
        self._seen: queue.Queue[None] = queue.Queue(1)
        self._observer = Observer()
        self._observer.schedule(self, str(folder))

    def __enter__(self) -> Self:
        self._observer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("created", "modified", "moved", "closed") and self._seen.empty():
            self._seen.put(None)

    def wait(self) -> None:
        try:
            self._seen.get(timeout=LOOK_S)
        except queue.Empty:
            return


def is_whole(path: Path) -> bool:
    """True once nobody has written to the file for a moment."""
    try:
        before = path.stat()
        time.sleep(max(0.0, QUIET_S - (time.time() - before.st_mtime)))
        after = path.stat()
    except FileNotFoundError:
        return False
    return (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)


def act(path: Path, session: str, kind: str) -> bool:
    """Make work of the file's text, wait until it has been taken up, put the file away.

    False where it was not taken up in time: no worker runs, or it is busy.
    """
    content = path.read_bytes()[:MOST_BYTES]
    text = content.decode(errors="replace").strip()
    stat = path.stat()
    mark = hashlib.sha256(f"{path} {stat.st_mtime_ns} ".encode() + content).hexdigest()[:32]
    if not text:
        put_away(path, "refused", "the file is empty")
        return True
    try:
        receipt = q.wait_for_action(ask(f"watch-{mark}", session, kind, text), timeout_s=PATIENCE_S)
    except TimeoutError as error:
        print(
            f"{path.name}: {error}", file=sys.stderr, flush=True
        )  # it stays, and is looked at again
        return False
    if receipt["outcome"] == "applied":
        put_away(path, "done", f"{receipt['type']} applied at {receipt['applied_seq']}")
    else:
        put_away(path, "refused", str(receipt["error"]))
    return True


def ask(action_id: str, session: str, kind: str, text: str) -> str:
    """Ask for the work; where that was asked for before, it is not asked for again."""
    config, guidance = WORK[kind](text)
    try:
        return q.action_receipt(action_id)["action_id"]
    except KeyError:
        if get_agent_state(session) is not None:
            return q.agent_interrupt(session, ACTOR, guidance, action_id=action_id)
        return q.agent_create(session, ACTOR, agent_type=kind, config=config, action_id=action_id)


def put_away(path: Path, where: str, why: str) -> None:
    target = path.parent / where / path.name
    target.parent.mkdir(exist_ok=True)
    path.replace(target)
    print(f"{path.name}: {why}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
