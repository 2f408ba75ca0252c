"""Rows as a mirror has them: the newest of a key, keys that every server keeps, odd rows too."""

import orjson

from reins import redaction
from reins.kv.limits import MAX_KEY_BYTES
from reins.mirrors.items import Item, item_of, newest, without_keys

MEMORY = {
    "scope": "agent", "agent_id": "a", "session_id": "s", "key": "k", "version": 2, "kind": "put",
    "source": "self", "actor": None, "value": '{"n":1}', "at": 1_000_000, "expires_at": None,
    "journal_n": 7,
}  # fmt: skip
BOARD = {
    "board": "b", "key": "k", "version": 3, "written_by": "ann", "agent_id": None,
    "session_id": None, "value": None, "written_at": 0, "journal_n": 8,
}  # fmt: skip


def step(seq, **snapshot):
    kept = {"agent_type": "joke", "status": "running", "error": None, "created_at": 1, "usage": {},
            "result": None, "agent": {"subject": "tea"}, **snapshot}  # fmt: skip
    return {
        "agent_id": "a", "session_id": "s", "seq": seq, "step": seq, "kind": "tick", "text": "ha",
        "state": orjson.dumps(kept).decode(), "created_at": 2, "journal_n": 10 + seq,
    }  # fmt: skip


def test_a_row_of_the_log_is_the_state_after_it():
    found = item_of("agent_steps", step(4))
    assert (found.key, found.seq) == ("session/s", 14)
    assert found.value["state"] == {"subject": "tea"}
    assert (found.value["seq"], found.value["result"], found.value["journal_n"]) == (4, "ha", 14)


def test_a_memory_is_its_owners():
    """Of an agent it is the agent's, whichever session has written it; of all it is nobody's."""
    assert item_of("memories", MEMORY).key == "memory/agent/a/k"
    assert item_of("memories", {**MEMORY, "scope": "session"}).key == "memory/session/s/k"
    assert item_of("memories", {**MEMORY, "scope": "shared"}).key == "memory/shared//k"
    assert item_of("memories", MEMORY).value["value"] == {"n": 1}


def test_what_is_deleted_says_so():
    found = item_of("kv", BOARD)
    assert (found.key, found.value["deleted"], found.value["value"]) == ("board/b/k", True, None)


def test_only_the_newest_of_a_key_is_put():
    """In whatever order they come."""
    items = [Item("a", {"n": n}, n) for n in (3, 1, 2)] + [Item("b", {}, 1)]
    assert newest(items) == [Item("a", {"n": 3}, 3), Item("b", {}, 1)]
    assert newest(reversed(items)) == [Item("b", {}, 1), Item("a", {"n": 3}, 3)]


def test_a_key_that_no_server_keeps_is_named_by_its_digest():
    """Its value has the whole of it; two of them are two."""
    long = [item_of("memories", {**MEMORY, "agent_id": "ü" * 255 + each, "key": "ß" * 200})
            for each in "ab"]  # fmt: skip
    assert len({each.key for each in long}) == 2
    assert all(len(f"reins/{each.key}".encode()) < MAX_KEY_BYTES for each in long)
    assert long[0].value["agent_id"].endswith("a")
    assert "\0" not in item_of("memories", {**MEMORY, "key": "a\0b"}).key


def test_a_row_that_was_written_by_hand_is_put_as_it_reads():
    row = {"agent_id": "a", "session_id": "s", "context": "{", "history": None, "journal_n": None}
    found = item_of("agent_state", row)
    assert (found.value["state"], found.value["seq"], found.seq) == (None, None, 1)


def test_a_key_that_is_known_by_now_is_not_sent():
    """It may be in a row from before; what has none stays as it is."""
    item = item_of("kv", {**BOARD, "value": '{"n":"Zq8Vn3xTb41Lm-known-later"}'})
    assert without_keys(item) is item
    redaction.know("Zq8Vn3xTb41Lm-known-later")
    assert without_keys(item).value["value"] == {"n": redaction.HIDDEN}
    assert without_keys(item).key == item.key
