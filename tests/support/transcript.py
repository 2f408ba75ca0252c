"""What must be true of every transcript, whatever happened to the worker that wrote it."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store import agent_steps, messages
from store.reading import Reader

HEARD_OUT = 5
"""Of so many people's messages in a row, the last may be unknown to who was interrupted by them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A persona's message with the row of the tick that it came from."""

    message: dict[str, Any]
    tick: dict[str, Any]

    @property
    def number(self) -> int:
        return self.message["number"]

    @property
    def knew(self) -> int:
        """The newest message that it was composed after."""
        return json.loads(self.tick["payload"])["context"]["last"] or 0


def check(folder: Path, posted: dict[str, tuple[str, str]], *, ceiling: int) -> list[Reply]:
    """Call it when the worker has stopped. `posted` are author and text by action, in order."""
    reader = Reader(folder)
    said = reader.table(messages.TABLE).to_arrow().to_pylist()
    steps = reader.table(agent_steps.TABLE).to_arrow().to_pylist()
    said.sort(key=lambda row: (row["conversation_id"], row["number"]))
    ids = [row["message_id"] for row in said]
    assert len(ids) == len(set(ids)), "no message is there twice"
    people = [row for row in said if row["session_id"] is None]
    assert [(row["message_id"], row["author"], row["text"]) for row in people] == [
        (action_id, author, text) for action_id, (author, text) in posted.items()
    ], "what people posted is there once, in their order"
    replies = _with_their_ticks([row for row in said if row["session_id"]], steps)
    for name in {row["conversation_id"] for row in said}:
        transcript = [row for row in said if row["conversation_id"] == name]
        assert [row["number"] for row in transcript] == list(range(1, len(transcript) + 1))
        of_it = [reply for reply in replies if reply.message["conversation_id"] == name]
        _no_overlap(transcript, of_it)
        _no_self_reply(transcript, of_it)
        _ceiling_kept(transcript, steps, ceiling)
    return replies


def _with_their_ticks(said: list[dict[str, Any]], steps: list[dict[str, Any]]) -> list[Reply]:
    """Message and row exist both or neither, and say the same."""
    ticks = {}
    for row in steps:
        payload = json.loads(row["payload"] or "{}")
        if row["kind"] == "tick" and payload.get("spoke"):
            assert payload["message_id"] not in ticks, "a message is of one tick"
            ticks[payload["message_id"]] = row
    assert ticks.keys() == {row["message_id"] for row in said}, "both are there, or neither"
    replies = [Reply(row, ticks[row["message_id"]]) for row in said]
    for reply in replies:
        message, tick = reply.message, reply.tick
        payload = json.loads(tick["payload"])
        assert (payload["number"], tick["text"]) == (message["number"], message["text"])
        assert (tick["session_id"], payload["conversation_id"]) == (
            message["session_id"], message["conversation_id"],
        )  # fmt: skip
        assert json.loads(message["metadata"]) == {
            "tone": payload["tone"], "tick": tick["step"], "demonstration": True,
        }  # fmt: skip
    return replies


def _no_overlap(transcript: list[dict[str, Any]], replies: list[Reply]) -> None:
    """Each reply is to the message right before it, unless people gave it no time for that."""
    for reply in replies:
        if reply.knew == reply.number - 1:
            continue
        last = transcript[max(0, reply.number - 1 - HEARD_OUT) : reply.number - 1]
        assert len(last) == HEARD_OUT, (reply.number, reply.knew)
        assert all(row["session_id"] is None for row in last), (reply.number, reply.knew)
        unknown = transcript[reply.knew : reply.number - 1]
        assert all(row["session_id"] is None for row in unknown), (reply.number, reply.knew)


def _no_self_reply(transcript: list[dict[str, Any]], replies: list[Reply]) -> None:
    """Each follows something of another that its speaker had not answered yet."""
    knew: defaultdict[str, int] = defaultdict(int)
    for reply in replies:
        own = reply.message["session_id"]
        new = transcript[knew[own] : reply.knew]
        if reply.number > 1:
            assert any(row["session_id"] != own for row in new), (reply.number, reply.knew)
        knew[own] = reply.knew


def _ceiling_kept(
    transcript: list[dict[str, Any]], steps: list[dict[str, Any]], ceiling: int
) -> None:
    """But for one message more, each time that one was asked to speak."""
    above, in_a_row = 0, 0
    for row in transcript:
        in_a_row = 0 if row["session_id"] is None else in_a_row + 1
        above += in_a_row > ceiling
    asked = sum(row["text"] == "asked to speak now" for row in steps if row["kind"] == "guidance")
    assert above <= asked
