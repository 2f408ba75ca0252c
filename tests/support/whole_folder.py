"""A data folder with something of everything in it, made by a real worker."""

from pathlib import Path
from typing import Any

import queue_imp as q
from agent_core.actions.deciding import decision_about
from agent_core.actions.documents import document_id_of
from reins.documents.asking import put_blob
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.folder import DataFolder
from store.inbox import list_items
from store.messages import last_number
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

_PLAN = {
    "kind": "sequence",
    "items": [
        {"kind": "task", "name": "believe", "args": {"claim": "leak"}},
        {"kind": "task", "name": "remember", "args": {"key": "house", "value": 1}},
    ],
}
TEXT = "A sentence of a long text. " * 100
_BUDGET = {"session": {"ticks": 3}}


def make(data: Path, workers: Workers, *, kill: bool = False) -> None:
    """Sessions that run, are paused, held, done, destroyed and created again; a talk; rejections.

    With `kill` the worker is killed at the end, and leaves rows in the journal.
    """
    log = data.with_suffix(".log")
    settings = {"REINS_FLUSH_S": "60"} if kill else {}
    for action in _actions(put_blob(DataFolder(data), TEXT.encode())):
        queue_writer.writer_at(data).append(action)
    worker = workers.start(data, log, **settings)
    reader = Reader(data)
    until(lambda: data_folder.unprocessed(data) == 0, "all is processed", 60)
    until(lambda: last_number("c", store=reader) > 4, "they talk", 60)
    until(lambda: _status("held", reader) == "paused", "it is held", 60)
    until(lambda: _status("done", reader) == "completed", "it is done", 60)
    until(lambda: _status("minds", reader) == "completed", "its plan is done", 60)
    until(lambda: len(list_steps("runs", store=reader)) > 8, "it runs", 60)
    _decide(data, reader)
    if kill:
        workers.kill(worker)
    else:
        workers.stop(worker)


def _decide(data: Path, reader: Reader) -> None:
    """One call is allowed, and remembered; one is denied; others wait, or their session is over."""
    asked = ("allowed", "denied", "waits", "over")
    items = {name: until(lambda name=name: _item(name, reader), f"{name} asks") for name in asked}
    writer, always = queue_writer.writer_at(data), {"scope": "session", "anything": True}
    writer.append(
        decision_about(items["allowed"], "tester", "approve", remember=always),
        decision_about(items["denied"], "tester", "reject", remember=always),
        q.create_action("agent_destroy", "tester", agent_id="over"),
    )
    until(lambda: data_folder.unprocessed(data) == 0, "all is processed", 60)
    until(lambda: _item("allowed", reader)["state"] == "ran", "it ran", 60)


def _item(session_id: str, reader: Reader) -> dict[str, Any] | None:
    return next(iter(list_items(session_id=session_id, store=reader)), None)


def _status(session_id: str, reader: Reader) -> str | None:
    state = get_agent_state(session_id, store=reader)
    return None if state is None else str(state["status"])


def _actions(blob: str):
    def of(kind, agent_id=None, **payload):
        return q.create_action(kind, "tester", agent_id=agent_id, **payload)

    def odd(agent_id, **config):
        return of("create_agent", agent_id, agent_type="odd", config={"tick": "count", **config})

    yield of("conversation_create", conversation_id="c")
    for name in ("Cy", "Di"):
        config = {"name": name, "conversation_id": "c", "cooldown_s": 0.0, "max_agent_turns": 8}
        yield of("create_agent", f"p-{name}", agent_type="persona", config=config)
    yield odd("runs", tick_s=0.01)
    yield odd("paused")
    yield of("agent_interrupt", "paused", guidance={"subject": "dogs"})
    yield of("agent_pause", "paused", reason="a test")
    yield odd("held", budget=_BUDGET)
    yield odd("done", tick="done", after=3)
    yield of("create_agent", "minds", agent_type="plan", config={"plan": _PLAN})
    yield odd("twice")
    yield of("agent_destroy", "twice")
    yield odd("twice")
    yield of("agent_pause", "nobody")
    yield of("agent_interrupt", "runs", guidance={"nothing": 1})
    yield of("post_message", conversation_id="c", text="What about tea?")
    yield of("post_message", conversation_id="c", text="And what then?")
    yield of("create_agent", "left", agent_type="persona",
             config={"name": "Ed", "conversation_id": "c", "cooldown_s": 0.0})  # fmt: skip
    yield of("agent_destroy", "left")
    for name in ("allowed", "denied", "waits", "over"):
        yield of("create_agent", name, agent_type="asking")
    yield of("board_put", board="plans", key="k", value=1)
    yield of("board_put", board="plans", key="k", value=2)
    yield of("memory_put", scope="shared", key="k", value=1)
    yield of("memory_put", scope="shared", key="k", value=2)
    fact = of("fact_remember", subject="Elm", relation="is in", object="Bonn")
    yield fact
    yield of("fact_end", fact_id=fact["action_id"])
    yield of("document_add", source="inline", text="# Tea\n\nIt is green.\n")
    yield of("document_add", source="file", blob=blob, media_type="text/plain")
    yield of("document_remove", document_id=document_id_of("inline"))
    yield of("environment_reload")
