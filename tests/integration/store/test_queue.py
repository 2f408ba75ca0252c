"""The queue among many writers: nothing acknowledged is lost, nothing marked is forgotten."""

import asyncio
import contextlib
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

import queue_imp
from agent_core.actions.action import processed
from store.errors import RowInvalidError, StoreError
from store.journal.rows import as_arrow
from store.lance.compaction import Compaction
from store.lance.tables import connect, connect_async, open_or_make
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue.intake import Intake
from store.queue.rows import Mark
from store.queue.writer import QueueWriter, writer_at
from store.reading import Reader
from store.store import Store
from tests.integration.store.support import child, lines_of
from tests.support import data_folder


def action(agent_id="a1", **parts):
    return queue_imp.create_action("agent_pause", "ann", agent_id=agent_id, **parts)


def all_actions(folder):
    return queue_reading.everything(Reader(folder))


def put_by_hand(folder, *rows):
    """As another program does."""
    opened = open_or_make(connect(folder), queue.TABLE)
    opened.add(as_arrow(queue.TABLE, *({queue.NUMBER: None, **row} for row in rows)))


async def open_async(folder):
    open_or_make(connect(folder), queue.TABLE)
    return await (await connect_async(folder)).open_table("queue")


def test_threads_share_commits(tmp_path):
    """Eighty actions of eighty threads are all there, in far fewer commits."""
    writer, commits = QueueWriter(tmp_path), []
    writer.listen(lambda actions, before: commits.append(before))
    at_once = threading.Barrier(80)

    def append(n):
        at_once.wait()
        row = action(f"a{n}")
        writer.append(row)
        return row["action_id"]

    with ThreadPoolExecutor(80) as pool:
        acked = set(pool.map(append, range(80)))
    assert acked <= {row["action_id"] for row in all_actions(tmp_path)}
    assert len(commits) < 40
    assert sorted(commits) == commits


def test_a_bad_action_fails_alone(tmp_path):
    """A row that does not fit is refused to its own thread; nobody who enqueues beside it is told
    that their action is safe while it is not."""
    writer = QueueWriter(tmp_path)
    at_once = threading.Barrier(40)
    bad = [{"description": 5}, {"urgency": "high"}, {"payload": "\ud800"}, {"surprise": 1}]

    def append(n):
        row = action(f"a{n}") | (bad[n % 8] if n % 8 < 4 else {})
        at_once.wait()
        try:
            writer.append(row)
        except RowInvalidError as error:
            return str(error)
        return row["action_id"]

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(append, range(40)))
    there = {row["action_id"] for row in all_actions(tmp_path)}
    assert there == {answer for n, answer in enumerate(answers) if n % 8 >= 4}
    assert "queue.description is 5; expected string" in answers[0]
    assert "surprise" in answers[3]


def test_a_failing_commit_is_told_to_all_in_it(tmp_path):
    """While the file cannot be written each caller gets an error; once it can, actions go in."""
    writer = QueueWriter(tmp_path)
    writer.append(action("first"))
    file = tmp_path / "queue.sqlite"
    file.rename(tmp_path / "away")
    file.mkdir()
    at_once = threading.Barrier(8)

    def append(n):
        at_once.wait()
        try:
            writer.append(action(f"a{n}"))
        except StoreError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(append, range(8)))
    assert all(answer and "not acknowledged" in answer for answer in answers), answers
    file.rmdir()
    (tmp_path / "away").rename(file)
    writer.append(action("last"))
    assert [row["agent_id"] for row in all_actions(tmp_path)] == ["first", "last"]


def test_a_listener_whose_loop_has_ended_harms_nobody(tmp_path):
    """An append wakes who listens; a listener left behind by a dead loop is no error."""
    writer = QueueWriter(tmp_path)
    loop = asyncio.new_event_loop()
    loop.close()
    woken = []
    writer.listen(lambda _actions, _before: loop.call_soon_threadsafe(print))
    stop = writer.listen(lambda actions, before: woken.append((actions, before)))
    first = action()
    writer.append(first)
    stop()
    writer.append(action())
    [([heard], before)] = woken
    assert (heard.row, heard.new, before) == (first | {queue.NUMBER: 1}, True, 0)
    assert len(all_actions(tmp_path)) == 2


async def test_order_and_marks(tmp_path):
    """Unprocessed actions come by urgency, then age; marked ones come no more, with a receipt."""
    writer = QueueWriter(tmp_path)
    for n, urgency in enumerate([5, 9, 0, 5, 9]):
        writer.append(action(f"a{n}", urgency=urgency))
    table = await open_async(tmp_path)
    rows = await queue_imp.poll_lancedb_for_actions(table)
    assert [row["agent_id"] for row in rows] == ["a1", "a4", "a0", "a3", "a2"]
    two = await queue_imp.poll_lancedb_for_actions(table, 2)
    assert [row["agent_id"] for row in two] == ["a1", "a4"]
    await queue_imp.mark_action_processed_async(table, rows[0]["action_id"], applied_seq=7)
    await queue_imp.mark_action_processed_async(
        table, rows[1]["action_id"], outcome="rejected", error='it\'s "not" right\n'
    )
    await queue_imp.mark_action_processed_async(table, "act_unknown")
    left = await queue_imp.poll_lancedb_for_actions(table)
    assert [row["agent_id"] for row in left] == ["a0", "a3", "a2"]
    marked = {row["agent_id"]: row for row in all_actions(tmp_path)}
    assert len(marked) == 5
    assert (marked["a1"]["outcome"], marked["a1"]["applied_seq"]) == ("applied", 7)
    assert marked["a4"]["error"] == 'it\'s "not" right\n'
    assert marked["a4"]["processed_at"] is not None


async def test_hostile_action_ids_mark_one_row(tmp_path):
    """A retry brings its own id: whatever is in it, exactly that row is found and marked."""
    ids = ["it's", "a' OR '1'='1", 'b"c', "back\\slash", "new\nline", "🐈", "a/../b", "x" * 10_000]
    writer = QueueWriter(tmp_path)
    for action_id in ids:
        writer.append(action() | {"action_id": action_id})
    table = await open_async(tmp_path)
    for done, action_id in enumerate(ids, 1):
        found = queue_reading.find(Reader(tmp_path), action_id)
        assert found["action_id"] == action_id
        await queue_imp.mark_action_processed_async(table, action_id)
        left = await queue_imp.poll_lancedb_for_actions(table, 100)
        assert len(left) == len(ids) - done


_ENQUEUE = """
import sys
import queue_imp
from store.queue.writer import writer_at
from pathlib import Path
writer = writer_at(Path(sys.argv[1]))
print("ready")
sys.stdin.readline()
for n in range(int(sys.argv[3])):
    row = queue_imp.create_action("agent_pause", "ann", agent_id=f"{sys.argv[2]}-{n}")
    writer.append(row)
    print(row["action_id"])
"""


async def test_processes_enqueue_while_the_worker_marks_and_carries(tmp_path, monkeypatch):
    """Four processes and six threads append while a worker marks, carries over and compacts, all as
    fast as they can: every acknowledged action comes once, is there once and is marked, for whoever
    reads at whatever moment."""
    monkeypatch.setattr(Compaction, "due", lambda *_: True)
    store = Store(tmp_path, flush_s=0.05)
    await store.start()
    intake, woken = Intake(store.folder, store.adopt_actions), asyncio.Event()
    intake.start(woken.set)
    children = [child(_ENQUEUE, tmp_path, name, 40) for name in "abcd"]
    for process in children:
        await asyncio.to_thread(process.stdout.readline)
    for process in children:
        process.stdin.write("\n")
        process.stdin.flush()
    writer, ended, taken, acked = writer_at(store.folder), threading.Event(), [], set()

    def thread(name):
        rows = [action(f"{name}-{n}") for n in range(20)]
        for row in rows:
            writer.append(row)
            acked.add(row["action_id"])

    def look():
        while not ended.is_set():
            before = set(acked)
            seen = [row["action_id"] for row in all_actions(tmp_path)]
            assert before <= set(seen)
            assert len(seen) == len(set(seen))

    async def mark():
        while len(taken) < 280:
            woken.clear()
            new = await intake.take()
            intake.taken()
            taken.extend(each.row["action_id"] for each in new)
            marks = [Mark(each.number, processed(each.row, outcome="applied")) for each in new]
            await asyncio.to_thread(writer.mark, marks)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), 0.5)

    looking = asyncio.create_task(asyncio.to_thread(look))
    marking = asyncio.create_task(mark())
    await asyncio.gather(*(asyncio.to_thread(thread, f"t{n}") for n in range(6)))
    theirs = await asyncio.to_thread(lines_of, *children)
    await asyncio.wait_for(marking, 60)
    ended.set()
    await looking
    everybodys = acked | {action_id for part in theirs for action_id in part}
    assert sorted(taken) == sorted(everybodys)
    await intake.stop()
    await store.stop()
    rows = all_actions(tmp_path)
    assert sorted(row["action_id"] for row in rows) == sorted(everybodys)
    assert all(row["processed"] and row["outcome"] == "applied" for row in rows)
    assert Reader(tmp_path).count(queue.TABLE, "processed") == 280


def test_what_was_acknowledged_is_queued_after_kill_9(tmp_path):
    """Actions that a process was told are durable are there after kill -9; the queue goes on."""
    process = child(_ENQUEUE, tmp_path, "a", 100_000)
    process.stdout.readline()
    process.stdin.write("\n")
    process.stdin.flush()
    acked = {process.stdout.readline().strip() for _ in range(40)}
    process.kill()
    process.communicate(timeout=20)
    there = {row["action_id"] for row in all_actions(tmp_path)}
    assert acked <= there
    data_folder.stored(tmp_path)
    QueueWriter(tmp_path).append(action())
    assert len(all_actions(tmp_path)) == len(there) + 1


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path))
    return tmp_path


def test_receipts(data):
    """A receipt says queued, then what became of it; an unknown id is a KeyError."""
    action_id = queue_imp.agent_pause_action("a1", "ann", "lunch")
    receipt = queue_imp.action_receipt(action_id)
    assert (receipt["outcome"], receipt["processed"], receipt["applied_seq"]) == (
        "queued", False, None,
    )  # fmt: skip
    assert receipt["created_at"].tzinfo is not None
    for unknown in ("act_0", "", "it's", "new\nline", "\ud800", None):
        with pytest.raises(KeyError, match="REINS_DATA"):
            queue_imp.action_receipt(unknown)


def test_waiting_ends_with_the_receipt_or_an_error_that_names_the_folder(data):
    """Waiting ends with an error that names the folder, or with the receipt once it is marked."""
    action_id = queue_imp.agent_pause_action("a1", "ann")
    with pytest.raises(TimeoutError, match=r"still queued after 0\.05 s.*python -m agents"):
        queue_imp.wait_for_action(action_id, timeout_s=0.05)

    async def mark():
        table = await open_async(data)
        await queue_imp.mark_action_processed_async(table, action_id, applied_seq=3)

    worker = threading.Thread(target=lambda: asyncio.run(mark()))
    worker.start()
    receipt = queue_imp.wait_for_action(action_id, timeout_s=20)
    worker.join()
    assert (receipt["outcome"], receipt["applied_seq"]) == ("applied", 3)


HOSTILE = [
    "it's",
    'say "x"',
    "a/../../b",
    "🐈‍⬛",
    "a;b--",
    "%s {x} \\",
    "ü" * 256,
    " ",
    "\u202ertl",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_ids_that_work(data, name):
    """Any text on one line may be the id of what is there; what was meant arrives unchanged."""
    action_id = queue_imp.agent_interrupt(name, "ann", {"subject": name}, session_id=name)
    [row] = all_actions(data)
    assert (row["agent_id"], row["session_id"], row["actor"]) == (name, name, "ann")
    assert json.loads(row["payload"])["guidance"] == {"subject": name}
    assert queue_imp.action_receipt(action_id)["agent_id"] == name


def test_hostile_text_in_a_payload_comes_back_the_same(data):
    """Text that people say comes back the same, NUL and line separators and all."""
    text = "nul \x00 quote ' \" \\ newline \r\n \u2028\u2029 \x85 🐈 " + "x" * 200_000
    queue_imp.post_message("c1", "ann", text)
    [row] = all_actions(data)
    assert json.loads(row["payload"])["text"] == text


def _early(agent_id, second):
    """An action of a process whose clock is behind."""
    return action(agent_id) | {"created_at": datetime(2020, 1, 1, 0, 0, second, tzinfo=UTC)}


@pytest.mark.parametrize("seed", range(3))
async def test_actions_in_the_table_come_in_the_order_of_their_commit(tmp_path, seed):
    """Whatever the clocks said, and however the table was marked and compacted meanwhile: as an
    older Reins has numbered them, and what another program put there, where it was put."""
    random = Random(seed)
    table = await open_async(tmp_path)
    opened = open_or_make(connect(tmp_path), queue.TABLE)
    sent = []

    def append():
        made = _early(f"a{len(sent)}", random.randint(0, 59))
        sent.append(made["action_id"])
        put_by_hand(tmp_path, made | {queue.NUMBER: next(numbers)})

    numbers = itertools.count(1)

    for _ in range(30):
        for _ in range(random.randint(1, 3)):
            append()
        rows = await queue.waiting(table)
        assert [row["action_id"] for row in rows] == sent
        if random.random() < 0.5:
            done = random.sample(rows, min(len(rows), 2))
            await queue.mark(table, [processed(row, outcome="applied") for row in done])
            sent = [i for i in sent if i not in {row["action_id"] for row in done}]
        if random.random() < 0.3:  # an append while it is compacted is in an older fragment
            beside = threading.Timer(random.random() / 100, append)
            beside.start()
            opened.optimize(cleanup_older_than=timedelta(days=1))
            beside.join()
        assert [row["action_id"] for row in await queue.waiting(table)] == sent


async def test_unprocessed_actions_come_by_urgency_and_then_by_commit(tmp_path):
    """The helper's order, which no clock decides."""
    writer = QueueWriter(tmp_path)
    table = await open_async(tmp_path)
    for name, second, urgency in ("old", 9, 5), ("urgent", 5, 9), ("new", 1, 5):
        writer.append(_early(name, second) | {"urgency": urgency})
    rows = await queue_imp.poll_lancedb_for_actions(table, 10)
    assert [row["agent_id"] for row in rows] == ["urgent", "old", "new"]
    assert len(await queue_imp.poll_lancedb_for_actions(table, 2)) == 2
    but = {rows[0]["action_id"]}
    left = await queue_imp.poll_lancedb_for_actions(table, 10, but)
    assert [row["agent_id"] for row in left] == ["old", "new"]


async def test_a_row_is_marked_and_not_another_of_its_id(tmp_path):
    """Two rows of one id: each has its own outcome, and the id's is that of the one taken up."""
    table = await open_async(tmp_path)
    first = action("a1")
    second = action("a2") | {"action_id": first["action_id"]}
    put_by_hand(tmp_path, first, second)
    error = f"{queue.ID_REUSED}, for another content"
    first, second = await queue.waiting(table)
    await queue.mark(table, [processed(second, outcome="rejected", error=error)])
    found = queue_reading.find(Reader(tmp_path), first["action_id"])
    assert (found["agent_id"], found["processed"]) == ("a1", False)
    await queue.mark(table, [processed(first, outcome="applied")])
    assert await queue.waiting(table) == []
    answered = await queue.answered(table, [first["action_id"], "another"])
    assert {i: row["outcome"] for i, row in answered.items()} == {first["action_id"]: "applied"}


async def _one_of_two_refused(folder):
    """The table with two rows of one id and time, the second refused; and the first."""
    table = await open_async(folder)
    first = action("a1")
    put_by_hand(folder, first | {queue.NUMBER: 1})
    put_by_hand(folder, first | {"actor": "bob", queue.NUMBER: 2})
    one, other = await queue.waiting(table)
    await queue.mark(table, [processed(other, outcome="rejected", error=queue.ID_REUSED)])
    return table, one


async def test_rows_of_one_id_and_time_are_told_apart(tmp_path):
    """A copy of an action with another content has its own mark, whatever its time says."""
    table, one = await _one_of_two_refused(tmp_path)
    await queue.mark(table, [processed(one, outcome="applied")])
    assert {row["actor"]: row["outcome"] for row in all_actions(tmp_path)} == {
        "ann": "applied",
        "bob": "rejected",
    }


async def test_a_refused_row_does_not_own_its_id(tmp_path):
    """The first of two waits, the second was refused: the id is still the first one's."""
    table, one = await _one_of_two_refused(tmp_path)
    assert await queue.answered(table, [one["action_id"]]) == {}
    assert queue_reading.find(Reader(tmp_path), one["action_id"])["actor"] == "ann"


_NUMBERS = """
import sys
import queue_imp
from pathlib import Path
from store.queue.writer import writer_at
writer = writer_at(Path(sys.argv[1]))
writer.listen(lambda actions, _: print(*(action.number for action in actions)))
print("ready")
sys.stdin.readline()
for n in range(60):
    writer.append(*(queue_imp.create_action("agent_pause", "ann", agent_id="a") for _ in "123"))
"""


def test_numbers_are_given_out_once(tmp_path):
    """Over processes, each in its order; also of actions that have left the file."""
    children = [child(_NUMBERS, tmp_path) for _ in range(3)]
    for process in children:
        process.stdout.readline()
    for process in children:
        process.stdin.write("\n")
        process.stdin.flush()
    taken = [[int(n) for line in lines for n in line.split()] for lines in lines_of(*children)]
    assert all(numbers == sorted(numbers) for numbers in taken)
    assert sorted(n for numbers in taken for n in numbers) == list(range(1, 541))
    writer, last = QueueWriter(tmp_path), action()
    writer.forget([*range(1, 541)])
    writer.append(last)
    assert queue_reading.find(Reader(tmp_path), last["action_id"])[queue.NUMBER] == 541


async def test_many_ids_are_looked_up_at_once(tmp_path, monkeypatch):
    """More ids than a filter takes are found all the same."""
    monkeypatch.setattr(queue, "_LISTED", 3)
    table = await open_async(tmp_path)
    rows = [action(f"a{n}") for n in range(10)]
    put_by_hand(tmp_path, *rows)
    await queue.mark(table, [processed(row, outcome="applied") for row in rows[:7]])
    answered = await queue.answered(table, [row["action_id"] for row in rows])
    assert answered.keys() == {row["action_id"] for row in rows[:7]}
