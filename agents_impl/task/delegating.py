"""Work that a task gives to another session: it waits for the end, which is the call's result."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent_core.agent.base import AgentRejectedError
from agent_core.agent.creation import CreateError
from agent_core.agent.results import StepResult
from agent_core.children.children import Children, Wish
from agent_core.session.waiting import FOR_CHILDREN
from agents_impl.task.asking import TaskAsks
from agents_impl.task.calls import as_payload, call_line, kept
from agents_impl.task.models import Pending
from agents_impl.workers import cards, config_of, told
from reins.tools.outcome import ToolError, bounded
from reins.tools.toolbox import Acted
from store.agent_steps import list_steps
from store.journal.file import Record
from store.reading import Reader
from store.times import now_us

_RESULT_BYTES = 8 * 1024
_ROWS = 30
_ROW_CHARS = 300


class TaskDelegates(TaskAsks):
    """Makes children with the tick that decides it, and reads their logs."""

    async def admit(self) -> Sequence[Record]:
        records = await super().admit()
        try:
            for name in self.config.workers:
                wish = self._wish(f"{self.session.session_id}.d1.1", name, "a goal")
                wish = replace(wish, session_id=self.session.session_id)
                await self.services.get(Children).rehearse(self.session, wish)
        except (CreateError, ValueError) as error:
            raise AgentRejectedError(f"worker {name!r}: {error}") from error
        return records

    @property
    def waits_for(self) -> dict[str, Any] | None:
        pending = self.state.pending
        if pending is None or not self._is_at_work(pending):
            return None
        reason = f"waits for {pending.child}"
        since = pending.began_at
        return {"kind": FOR_CHILDREN, "since": since, "reason": reason, "until": None}

    def _is_at_work(self, pending: Pending) -> bool:
        """True while the child has not ended whose result the call waits for."""
        if pending.child is None or pending.dropped is not None:
            return False
        return self.services.get(Children).is_living(pending.child)

    async def _delegate(self, thought: str, arguments: dict[str, Any]) -> StepResult:
        """Give the brief to a child of its own; the tick that follows has the result."""
        pending = self._new_call_of("delegate", thought, arguments)
        children = self.services.get(Children)
        try:
            name = self._free_child(children)
            wish = self._wish(name, arguments["worker"], arguments["brief"])
            await children.rehearse(self.session, wish)
        except (AgentRejectedError, CreateError, ToolError) as error:
            return self._result(pending, Acted.never_made("failed", str(error)))
        pending.child, pending.begun, pending.began_at = name, True, now_us()
        self.state.pending = kept(pending)
        payload = {
            "thought": thought,
            "call": as_payload(pending.call),
            "child": name,
            **self._take_shown(),
        }
        text = f"{call_line('delegate', arguments)} → {name}"
        return StepResult(text, payload, effects=[children.creating(self.session, wish)])

    def _free_child(self, children: Children) -> str:
        """The id of the next child. Raises: ToolError where there may be none."""
        session, config = self.session, self.config
        depth = 0 if session.lineage is None else session.lineage.depth
        if depth >= config.max_depth:
            raise ToolError(
                f"this session is {depth} generations below {session.root}, and may have no "
                "children (max_depth); do it yourself"
            )
        if len(children.living(session.session_id)) >= config.max_children:
            raise ToolError(
                f"{config.max_children} children are at work, the most that may (max_children)"
            )
        number = 1
        while not children.free_id(f"{session.session_id}.d{number}.1"):
            number += 1
        return f"{session.session_id}.d{number}.1"

    def _wish(self, name: str, worker_name: str, brief: str) -> Wish:
        worker = self.config.workers.get(worker_name)
        if worker is None:
            known = "; ".join(cards(self.config.workers))
            raise ToolError(f"there is no worker {worker_name!r:.60}; there are: {known}")
        around = self._around
        kind = self.services.get(Children).kind(worker.agent_type)
        config = config_of(
            worker,
            brief,
            (),
            fields=kind.Config.model_fields,
            workspace=None if around is None or around.workspace is None else str(around.workspace),
            route=self.config.route,
        )
        return Wish(name, worker.agent_type, config, name.rsplit(".", 2)[-2], "stop")

    async def _came_back(self, pending: Pending) -> StepResult:
        """The call's result: what the child reports. It is material, as any result."""
        assert pending.child is not None, "only a call with a child comes here"
        if pending.dropped is not None:
            self.services.get(Children).stop(pending.child, self.session, pending.dropped)
            return self._result(pending, Acted.not_made("withdrawn", pending.dropped))
        end = await self.services.get(Children).end_of(pending.child)
        if end is None:
            why = f"nobody knows what became of session {pending.child}"
            return self._result(pending, Acted.not_made("unknown", why))
        status, summary = told(end)
        report = end.report or {}
        parts = [f"{pending.child} is {status}: {summary}"]
        parts += [f"{name}: {', '.join(map(str, report[name]))}" for name in ("files", "facts")
                  if report.get(name)]  # fmt: skip
        text = bounded("\n".join(parts), _RESULT_BYTES)
        ok = status == "done"
        return self._result(pending, Acted(ok=ok, text=text, kind=None if ok else "failed"))

    async def _read_log(self, thought: str, arguments: dict[str, Any]) -> StepResult:
        """The newest rows of one of its children, in a line each."""
        pending = self._new_call_of("read_log", thought, arguments)
        child = arguments["child"]
        if not await self.services.get(Children).is_below(child, self.session.session_id):
            why = f"{child!r:.80} is no child of this session"
            return self._result(pending, Acted.never_made("failed", why))
        after, reader = arguments.get("after_seq", 0), self.services.get(Reader)
        rows = await asyncio.to_thread(list_steps, child, after, _ROWS, store=reader)
        lines = [f"#{row['seq']} {row['kind']}: {row['text'][:_ROW_CHARS]}" for row in rows]
        text = bounded("\n".join(lines) or "there are no rows after that", _RESULT_BYTES)
        return self._result(pending, Acted(ok=True, text=text))

    def _new_call_of(self, name: str, thought: str, arguments: dict[str, Any]) -> Pending:
        return self._new_call(self._tools()[name], thought, arguments)
