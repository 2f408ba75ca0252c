"""Texts of rows, with what they are found by."""

import json

import pytest

from reins.search.passages import MOST_CHARS, as_table, passages_of


class NoTypes:
    def look_up(self, session_ids):
        self.asked = [*session_ids]

    def get(self, session_id):
        return None if session_id is None else f"type of {session_id}"


def step(**fields):
    return {
        "journal_n": 7, "session_id": "s", "agent_id": "a", "seq": 3, "kind": "tick",
        "text": "tea", "payload": None, "error": None, "created_at": 5, "cost_usd": 0.5, **fields,
    }  # fmt: skip


def test_a_row_of_a_log():
    """Text and error are one; whoever asked for it is its actor."""
    payload = json.dumps({"actions": [{"actor": "ann \u00fc"}]}, separators=(",", ":"))
    [found] = passages_of([("agent_steps", step(error="no milk", payload=payload))], NoTypes())
    assert (found.text, found.actor, found.agent_type) == ("tea\nno milk", "ann ü", "type of s")
    assert (found.n, found.number, found.at, found.cost_usd) == (7, 3, 5, 0.5)


def test_a_thought_is_found_where_it_was_thought():
    """It stands in the payload alone; what a result quotes of others' is none of this row's."""
    call = {"arguments": {"text": '{"thought":"no"}'}}
    told = {"thought": 'the "price" may be wrong', "call": call}
    payload = json.dumps(told, separators=(",", ":"))
    [found] = passages_of([("agent_steps", step(payload=payload))], NoTypes())
    assert found.text == 'tea\nthe "price" may be wrong'
    quoted = json.dumps({"outcome": {"text": '{"thought":"no"}'}}, separators=(",", ":"))
    [found] = passages_of([("agent_steps", step(payload=quoted))], NoTypes())
    assert found.text == "tea"


def test_a_session_as_it_was_created():
    """Its names, and all texts of its configuration, each once."""
    row = {
        "journal_n": 1, "session_id": "s", "agent_id": "finn", "agent_type": "task",
        "description": None, "created_by": "ann", "created_at": 5,
        "config": json.dumps({"goal": "count the birds", "deep": [{"more": "task"}], "n": 3}),
    }  # fmt: skip
    [found] = passages_of([("agents_config", row)], NoTypes())
    assert found.text == "finn\ntask\ncount the birds"
    assert (found.source, found.kind, found.actor) == ("session", "session", "ann")


@pytest.mark.parametrize("text", [None, "", " \n "])
def test_a_row_without_a_text_is_none(text):
    """There is nothing to be found."""
    assert passages_of([("agent_steps", step(text=text))], NoTypes()) == []


def test_a_long_text_is_cut():
    """And the table has a row for each passage, with all columns."""
    found = passages_of([("agent_steps", step(text="x" * 30_000))], NoTypes())
    assert len(found[0].text) == MOST_CHARS
    table = as_table(found)
    assert table.num_rows == 1
    assert table["n"].to_pylist() == [7]
