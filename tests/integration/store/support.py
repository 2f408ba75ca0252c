"""Parts that the store's tests share: rows, children that are killed, waiting with a deadline."""

import asyncio
import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import orjson
import pytest

from store.journal.file import Record
from tests.support.program import Program

ROOT = Path(__file__).parents[3]


def step(
    session_id: str,
    seq: int,
    *,
    text: str | None = None,
    agent_id: str | None = None,
    kind: str = "tick",
) -> Record:
    """A row of the log as a session writes it."""
    snapshot = {
        "agent_type": "joke",
        "status": "running",
        "failures": 0,
        "error": None,
        "created_at": 1_700_000_000_000_000,
        "guided": 0,
        "usage": {"tokens_in": seq},
        "unmarked": {},
        "agent": {"subject": "cats"},
        **({} if kind == "tick" else {"result": None}),
    }
    row = {
        "session_id": session_id,
        "agent_id": agent_id or session_id,
        "seq": seq,
        "step": seq,
        "kind": kind,
        "text": f"joke {seq}" if text is None else text,
        "payload": None,
        "state": orjson.dumps(snapshot).decode(),
        "applied_actions": "[]",
        "started_at": 1_700_000_000_000_000 + seq,
        "created_at": 1_700_000_000_000_000 + seq,
        "latency_ms": 1.5,
        "tokens_in": 1,
        "tokens_out": 2,
        "cost_usd": 0.0,
        "error": None,
    }
    return Record("agent_steps", orjson.dumps(row), session_id)


def message(conversation_id: str, number: int, text: str, session_id: str | None = None) -> Record:
    row = {
        "message_id": f"{conversation_id}-{number}",
        "conversation_id": conversation_id,
        "number": number,
        "author": "ann",
        "agent_id": session_id,
        "session_id": session_id,
        "text": text,
        "metadata": None,
        "created_at": 1_700_000_000_000_000 + number,
    }
    return Record("messages", orjson.dumps(row), conversation_id)


def child(code: str, *arguments: object) -> Program:
    """Python running `code` in a process of its own; its lines are read from `stdout`."""
    return Program(
        ["-u", "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def lines_of(*children: Program, timeout_s: float = 60) -> list[list[str]]:
    """The lines that each child printed, once all have ended well."""
    printed = []
    for process in children:
        out, _ = process.communicate(timeout=timeout_s)
        assert process.returncode == 0, out
        printed.append(out.splitlines())
    return printed


def copied(fill):
    """Two fixtures: a folder that `fill` makes once for the module, and a test's own copy of it."""

    @pytest.fixture(scope="module")
    def full(tmp_path_factory):
        folder = tmp_path_factory.mktemp("full") / "data"
        asyncio.run(fill(folder))
        return folder

    @pytest.fixture
    def folder(full, tmp_path):
        return shutil.copytree(full, tmp_path / "data")

    return full, folder
