"""Ids: what names something new is fit for addresses and eyes; what is there stays addressable."""

import re
import sys
import unicodedata

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

import queue_imp as q
from agent_core.actions.ids import ALLOWED, ActionError, Id, KnownId, checked_id, known_id
from agent_core.actions.payloads import PAYLOADS

ODD = [
    ".", "..", "%2e", ".%2E", "%2E%2e", " ", " a", "a ", "\u00a0", "a\u00a0b", "\u3000a",
    "a\u2028b", "a\u2029b", "a\u200bb", "a\u200db", "\ufeffa", "a\u00adb", "a\u2060b",
    "a\u202eb", "a\u202ab", "a\u2066b", "a\u200fb", "a\u061cb",
    "a\ufe0fb", "a\u034fb", "a\u3164", "\u2800", "a\U000e0041", "a\U000e0100",
]  # fmt: skip
NEVER = ["", "a\nb", "a\n", "\x00", "a\x7fb", "a\u0085b", "a\ud800b", "x" * 257, None, 5, b"a"]
GOOD = [
    "a", "a b", "...", "..a", ".a", "a.", "a/b", "/", "\\", "?", "#", "%", "%2F", "%2E%2E%2E", "~",
    "é", "e\u0301", "Ω", "漢字", "عربي", "🙂", "x" * 256, "odd/1 %", "-", "--data",
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=ascii)
def test_an_odd_id_names_nothing_new(value):
    """By the helpers and by every payload that makes something; it is said what is allowed."""
    with pytest.raises(ActionError, match=re.escape(ALLOWED)) as refused:
        checked_id(value, "agent_id")
    message = str(refused.value)
    assert message.isascii()
    assert message.startswith("agent_id is ")
    for make in (
        lambda: q.create_action("create_agent", "ann", agent_id=value),
        lambda: q.create_action("create_agent", "ann", agent_id="a", session_id=value),
        lambda: q.create_action("agent_pause", value, agent_id="a"),
        lambda: q.conversation_create(value, "ann"),
        lambda: q.post_message("talk", value, "hello"),
    ):
        with pytest.raises(ActionError, match=re.escape(ALLOWED)):
            make()
    for kind, given in (
        ("create_agent", {"agent_id": value}),
        ("create_agent", {"agent_id": "a", "session_id": value}),
        ("conversation_create", {"conversation_id": value}),
    ):
        with pytest.raises(ValidationError, match="expected 1 to 256"):
            PAYLOADS[kind].model_validate(given)


@pytest.mark.parametrize("value", ODD, ids=ascii)
def test_an_odd_id_that_is_there_is_addressed(value):
    """Whatever the rule before let in can be paused, steered, destroyed and spoken in."""
    assert known_id(value, "agent_id") == value
    for kind in ("agent_pause", "agent_resume", "agent_interrupt", "agent_destroy"):
        row = q.create_action(kind, "ann", agent_id=value, session_id=value, guidance="x")
        assert row["session_id"] == value
        assert PAYLOADS["agent_pause"].model_validate({"agent_id": value}).address == value
    said = PAYLOADS["post_message"].model_validate({"conversation_id": value, "text": "x"})
    assert said.conversation_id == value


@pytest.mark.parametrize("value", NEVER, ids=ascii)
def test_what_was_never_an_id(value):
    """Control characters, surrogates, nothing, too much: neither new nor known."""
    for check in (checked_id, known_id):
        with pytest.raises(ActionError, match=r"agent_id is .* expected"):
            check(value, "agent_id")


@pytest.mark.parametrize("value", GOOD, ids=ascii)
def test_what_is_fit(value):
    """Letters of any script, signs, slashes, single dots within: as before."""
    assert known_id(value, "id") == value
    assert checked_id(value, "id") == unicodedata.normalize("NFC", value)


def test_a_new_id_is_kept_in_normal_form():
    """In the row, its columns and its payload; what addresses something comes as it is."""
    row = q.create_action("create_agent", "ann", agent_id="e\u0301", agent_type="joke")
    assert (row["agent_id"], row["session_id"]) == ("\u00e9", "\u00e9")
    assert PAYLOADS["create_agent"].model_validate_json(row["payload"]).address == "\u00e9"
    assert PAYLOADS["create_agent"].model_validate({"agent_id": "e\u0301"}).address == "\u00e9"
    assert q.create_action("agent_pause", "ann", agent_id="e\u0301")["agent_id"] == "e\u0301"


def test_every_character_that_shows_nothing_is_refused():
    """All of Unicode's control, format, separator and space characters, but for the space."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
    unseen = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in kinds]
    taken = []
    for each in unseen:
        try:
            checked_id(f"a{each}b", "id")
        except ActionError:
            continue
        taken.append(each)
    assert taken == [" "]


@pytest.mark.parametrize(("kind", "check"), [(Id, checked_id), (KnownId, known_id)])
def test_the_description_says_the_same_as_the_check(kind, check):
    """A pattern of JSON Schema for whoever makes requests from it; JSON holds no surrogates."""
    described = Draft202012Validator(TypeAdapter(kind).json_schema())
    for value in [*ODD, *GOOD, *NEVER]:
        if isinstance(value, bytes) or "\ud800" in str(value):
            continue
        try:
            check(value, "id")
            taken = True
        except ActionError:
            taken = False
        assert described.is_valid(value) == taken, ascii(value)
