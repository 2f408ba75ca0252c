"""The inbox as it is read: joined with the journal, page by page, whatever was flushed."""

import asyncio

from store import inbox
from store.store import Store
from tests.support.waiting import until_async


def item(number, **more):
    row = dict.fromkeys(inbox.TABLE.schema.names)
    del row["journal_n"]
    return row | {
        "item_id": f"i{number:03}", "kind": "approval", "tool": "t", "session_id": "s",
        "state": "asked", "asked_at": 1_000 + number // 2, "args": "{}", **more,
    }  # fmt: skip


async def written(store, rows):
    await store.journal.append(*map(inbox.record, rows))


async def test_pages_are_whole_while_rows_are_flushed_and_changed(tmp_path):
    """Each open item comes once, in order, also of those that share a moment; a newer state in the
    journal counts, and so do items that are in the journal alone."""
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    try:
        await written(store, [item(number) for number in range(40)])
        reader = store.reader
        await until_async(lambda: not reader.journalled(inbox.TABLE), "flushed")
        await written(store, [item(n, state="ran") for n in range(0, 40, 3)])
        await written(store, [item(n) for n in range(40, 45)])
        expected = [f"i{n:03}" for n in range(45) if n % 3 or n >= 40]
        for _ in range(2):  # journalled, then flushed
            seen, after = [], None
            while rows := inbox.list_items(("asked",), after=after, limit=4, store=reader):
                seen += [row["item_id"] for row in rows]
                after = inbox.place(rows[-1])
            assert seen == expected
            whole = inbox.list_items(("asked",), store=reader)
            assert [row["item_id"] for row in whole] == expected
            assert inbox.count_open(store=reader) == len(expected)
            await until_async(lambda: not reader.journalled(inbox.TABLE), "flushed")
    finally:
        await store.stop()


async def test_the_newest_decisions_come_first(tmp_path):
    """Of people alone, of the same kind and tool, without the item itself."""
    store = Store(tmp_path / "data", flush_s=0.05)
    await store.start()
    try:
        decided = {"decision": "approve", "state": "ran"}
        rows = [item(n, decided_at=2_000 + n, **decided) for n in range(9)]
        rows.append(item(9, decided_at=9_000, decision="expire", state="expired"))
        rows.append(item(10, decided_at=9_000, tool="other", **decided))
        await written(store, rows)
        for _ in range(2):
            found = inbox.list_decided_like("approval", "t", "i008", 3, store=store.reader)
            assert [row["item_id"] for row in found] == ["i007", "i006", "i005"]
            await asyncio.sleep(0)
            await until_async(lambda: not store.reader.journalled(inbox.TABLE), "flushed")
    finally:
        await store.stop()
