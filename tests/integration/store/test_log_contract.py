"""What every form of the log promises, held against each."""

import asyncio
import signal

import orjson
import pytest

from store.errors import FencedError, JournalError
from store.journal import keys
from store.journal.file import Record
from store.journal.journal import Journal
from store.journal.memory import Memory
from store.lance.sums import Sum
from tests.integration.store.logs import FORMS, OTHER, TABLE, record
from tests.integration.store.support import child, lines_of
from tests.support.waiting import until_async

_OTHER_PROCESS = "import sys; from tests.integration.store import logs\n"


@pytest.fixture(params=sorted(FORMS))
def form(request, tmp_path):
    return FORMS[request.param](tmp_path)


@pytest.fixture
def log(form):
    log = form.open()
    yield log
    log.close()


def values(lines):
    return [(number, orjson.loads(line)["value"]) for number, line in lines]


def everything(log, **bounds):
    groups, more = log.groups(**bounds)
    lines = [line for group in groups for line in group.lines()]
    return values(lines), more


def test_numbers_begin_at_one_and_have_no_gaps(log):
    """Records are numbered in the order of their commit, over all tables, from 1."""
    assert (log.newest_number(), log.pending_rows()) == (0, 0)
    assert log.append([record("a", 1), record("a", 2, OTHER), record("b", 3)]) == 3
    log.append_made(lambda: record("b", 4))
    found, more = everything(log)
    assert sorted(number for number, _ in found) == [1, 2, 3, 4]
    assert found[-1] == (4, 4)
    assert not more
    assert (log.newest_number(), log.pending_rows()) == (4, 4)


def test_a_commit_is_all_in_or_not_at_all(form, log):
    """Where a commit fails none of its records is in, of no table, and the next one goes on."""
    log.append([record("a", 1)])

    def fail():
        raise MemoryError("no room")

    with pytest.raises(JournalError):
        log.append_made(fail)
    with pytest.raises((JournalError, TypeError)):
        log.append([record("a", 2), record("a", 3, OTHER), Record(OTHER, None)])
    log.append([record("a", 4)])
    beside = form.open()
    assert everything(beside)[0] == [(1, 1), (2, 4)]
    beside.close()


def test_a_large_commit_is_one_too(form, log):
    """However the form lays a large commit out, it is all in or not at all, in its order."""
    many = [record(f"s{n % 7}", n) for n in range(1_000)]
    with pytest.raises((JournalError, TypeError)):
        log.append([*many, Record(TABLE, None)])
    beside = form.open()
    assert everything(beside) == ([], False)
    assert log.append(many) == 1_000
    assert everything(beside)[0] == [(n + 1, n) for n in range(1_000)]
    assert values(beside.pending(TABLE, "s3")) == [(n + 1, n) for n in range(3, 1_000, 7)]
    assert values(beside.pending(TABLE, "s3", newest=True)) == [(998, 997)]
    beside.close()


def test_what_one_handle_appends_all_see(form, log):
    """Several handles append in turn; each sees what the others have."""
    beside = form.open()
    for n in range(0, 20, 2):
        log.append([record("a", n)])
        beside.append([record("b", n + 1)])
    assert everything(log) == everything(beside) == ([(n + 1, n) for n in range(20)], False)
    beside.close()


def test_several_processes_append(form):
    """Their groups are whole, each once, in the order of each, numbered without gaps."""
    each = "logs.appending(*sys.argv[1:])"
    both = [child(_OTHER_PROCESS + each, form.name, form.folder, who, 20) for who in "ab"]
    lines_of(*both)
    log = form.open()
    groups, _ = log.groups()
    lines = [line for group in groups for line in group.lines()]
    assert sorted(number for number, _ in lines) == list(range(1, len(lines) + 1))
    for who in "ab":
        own = [value for _, value in values(log.pending(TABLE, who))]
        assert own == sorted(n for n in range(20) for _ in range(2 if n % 3 else 1))
    log.close()


def test_nobody_appends_while_a_record_is_made(form):
    """What `make` reads is the newest there is, whoever appends beside it."""
    each = "logs.counting(*sys.argv[1:])"
    lines_of(*[child(_OTHER_PROCESS + each, form.name, form.folder, 25) for _ in range(2)])
    log = form.open()
    assert [value for _, value in values(log.pending(TABLE))] == list(range(1, 51))
    log.close()


def test_groups_come_within_bounds(log):
    """The oldest first, at least one, until they hold so many rows or bytes; and if more follow."""
    for n in range(9):
        log.append([record("a", n), record("a", n)])
    found, more = everything(log, rows=5)
    assert [number for number, _ in found] == [1, 2, 3, 4, 5, 6]
    assert more
    found, more = everything(log, after=6, size_bytes=1)
    assert [number for number, _ in found] == [7, 8]
    assert more
    assert everything(log, after=16) == ([(17, 8), (18, 8)], False)
    assert everything(log, after=18) == ([], False)


def test_groups_carry_the_digests_of_their_keys(log):
    """A group's keys stand in the order of its rows, joined or not."""
    for who in "abc":
        log.append([record(who, 1), record("", 2), record("x", 3)])
    [group] = log.groups()[0]
    assert group.keys == keys.packed(["a", "", "x", "b", "", "x", "c", "", "x"])


@pytest.mark.parametrize("size", [1, 40, 400])
def test_pending_finds_the_rows_of_a_key(log, size):
    """Of one table and key alone, in order; and those that name no key: they may be anyone's."""
    for _ in range(3):
        log.append([record(str(n % 20), n) for n in range(size)] + [record("0", -1, OTHER)])
    log.append([record("", -2)])
    expected = [n for _ in range(3) for n in range(size) if n % 20 == 7]
    assert [value for _, value in values(log.pending(TABLE, "7"))] == [*expected, -2]
    assert [value for _, value in values(log.pending(TABLE, "none"))] == [-2]
    assert values(log.pending(OTHER, "0"))[0] == (size + 1, -1)
    found = values(log.pending(TABLE))
    assert len(found) == 3 * size + 1
    assert found == sorted(found)


def test_pending_finds_the_newest_row_of_each_key(log):
    """One row for each key, the newest, and all that name none."""
    for n in range(5):
        log.append([record(str(each), 10 * n + each) for each in range(9 - n)] + [record("", n)])
    found = [value for _, value in values(log.pending(TABLE, newest=True))]
    newest = [8, 17, 26, 35, *range(40, 45)]
    assert sorted(found) == sorted([*newest, *range(5)])
    found = [value for _, value in values(log.pending(TABLE, "6", newest=True))]
    assert found == [0, 1, 26, 2, 3, 4]


def test_a_key_may_be_any_text(log):
    """Quotes, line breaks and what is beyond the first plane are found as they are."""
    names = ["it's", '"q"', "a\nb", "🐈", "ﬁ", "\x00", "a" * 10_000]
    log.append([record(name, n) for n, name in enumerate(names)])
    for n, name in enumerate(names):
        assert values(log.pending(TABLE, name)) == [(n + 1, n)]


def test_what_is_forgotten_is_gone(log):
    """Groups that begin up to a number go; those behind it stay, with their numbers."""
    for n in range(6):
        log.append([record("a", n), record("a", n)])
    log.forget(6, 6, {}, {})
    assert everything(log)[0] == [(n + 1, n // 2) for n in range(6, 12)]
    assert [number for number, _ in log.pending(TABLE, "a")] == [*range(7, 13)]
    assert (log.newest_number(), log.pending_rows()) == (12, 6)


@pytest.mark.parametrize("flushed", [4, 90])
def test_numbers_are_never_used_twice(form, log, flushed):
    """Not after all is forgotten, nor by a handle opened later, nor up to what was raised."""
    log.append([record("a", n) for n in range(4)])
    log.forget(4, 4, {}, {})
    log.raise_flushed(flushed)
    log.raise_flushed(1)
    assert (log.newest_number(), log.pending_rows()) == (flushed, 0)
    log.close()
    log = form.open()
    assert log.newest_number() == flushed
    log.append([record("a", 9)])
    assert everything(log)[0] == [(flushed + 1, 9)]
    log.close()


@pytest.mark.parametrize("after", range(0, 60, 15))
def test_what_is_acknowledged_survives_kill_9(form, after):
    """Every commit that returned is whole after the kill, and the numbers go on behind it."""
    code = _OTHER_PROCESS + "logs.appending(*sys.argv[1:])"
    process = child(code, form.name, form.folder, "a", 10_000)
    said = [process.stdout.readline() for _ in range(after + 1)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=20)
    acknowledged = len(said) + len(rest.split())
    log = form.open()
    found = [value for _, value in values(log.pending(TABLE, "a"))]
    for n in range(acknowledged):
        assert found.count(n) == (2 if n % 3 else 1)
    assert len(set(found)) in (acknowledged, acknowledged + 1)
    newest = log.newest_number()
    log.append([record("b", 1)])
    assert [number for number, _ in log.pending(TABLE, "b")] == [newest + 1]
    log.close()


def test_notes_stay(form, log):
    """Versions with the highest numbers in them, and files, also beside what is forgotten."""
    log.append([record("a", n) for n in range(4)])
    log.note_synced({"a": 3, "queue": 9}, {"a": 2, "b": 4})
    log.forget(4, 4, {"a": 5, "b": 1}, {"a": 4, "b": 2})
    log.note_files({("a", "x"): Sum(7, 8), ("a", "y"): Sum(1, 2)}, [])
    log.note_files({}, [("a", "y")])
    log.note_synced({"a": 6}, {})
    log.close()
    log = form.open()
    assert log.synced_versions() == {"a": 6, "b": 1, "queue": 9}
    assert log.highest_numbers() == {"a": (5, 4), "b": (1, 2)}
    assert log.noted_files() == {("a", "x"): Sum(7, 8)}
    log.close()


async def test_who_is_fenced_ends(form):
    """The journal of a log that has another owner commits nothing more and takes in nothing."""

    class Fenced:
        def __init__(self, log):
            self.log = log

        def __getattr__(self, name):
            return getattr(self.log, name)

        def append(self, _records):
            raise FencedError

    journal = Journal(
        form.folder, open_log=lambda _path, durable, **_given: Fenced(form.open(durable))
    )
    journal.start()
    waits = asyncio.ensure_future(journal.append(record("a", 1)))
    await until_async(lambda: not journal.running)
    with pytest.raises(JournalError, match="not running"):
        await journal.append(record("a", 2))
    waits.cancel()
    await journal.stop()
    log = form.open()
    assert log.newest_number() == 0
    log.close()


def test_an_identity_is_its_own(form, log, tmp_path):
    """Every handle tells the same number, and another log another."""
    beside = form.open()
    other = type(form)(tmp_path / "other")
    other.folder.mkdir()
    there = other.open()
    assert log.identity() == beside.identity() != 0
    assert there.identity() != log.identity()
    beside.close()
    there.close()


def test_the_memory_has_what_the_log_has(form):
    """Also what was there before it, what others append beside it, and what was forgotten."""
    before = form.open()
    before.append([record("a", n) for n in range(3)])
    memory = Memory()
    memory.open(lambda: form.open("process"))
    witness = form.open(witness=memory)

    def same():
        for key in (None, "a", "b"):
            for newest in (False, True):
                expected = before.pending(TABLE, key, newest=newest)
                assert memory.pending([TABLE], key, newest=newest) == [expected]

    same()
    for n in range(30):
        handle = before if n % 4 == 0 else witness
        handle.append([record("ab"[n % 2], n), record("a", n, OTHER), record("", n)])
        if n % 3 == 0:
            same()
        if n % 10 == 9:
            number = before.newest_number() - 4
            last = [group.last for group in before.groups()[0] if group.last <= number]
            witness.forget(last[-1] if last else 0, 0, {}, {})
    same()
    last = before.newest_number()
    before.forget(last, last, {}, {})  # by another: what is seen twice is told by its number
    witness.append([record("a", 99)])
    assert values(memory.pending([TABLE], "a", newest=True)[0])[-1] == (last + 1, 99)
    memory.close()
    assert memory.pending([TABLE], "a", newest=False) is None
    witness.close()
    before.close()


def test_a_row_without_a_key_is_found_once(form, log):
    """By who asks for rows of no key, as by who asks for any; the newest of them, too."""
    log.append([record("", 1), record("a", 2), record("", 3)])
    for newest in (False, True):
        assert values(log.pending(TABLE, "", newest=newest)) == [(1, 1), (3, 3)]
        assert values(log.pending(TABLE, "a", newest=newest)) == [(1, 1), (2, 2), (3, 3)]
