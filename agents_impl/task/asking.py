"""Calls that need a person's word: asked, decided, checked again, and only then made."""

from collections.abc import Mapping
from typing import Any, Literal

from agent_core.agent.results import StepResult
from agent_core.inbox.inbox import Inbox
from agent_core.inbox.item import Item, call_hash
from agent_core.inbox.risk import RISKS, with_outside
from agent_core.session.decisions import Decision, DecisionRejectedError, Reviewed
from agents_impl.task.bounds import REJECTIONS_BYTES, newest
from agents_impl.task.calls import (
    KEPT_ARGUMENTS_BYTES,
    MAX_ARGUMENTS_BYTES,
    as_payload,
    aspects_of,
    call_line,
    digest,
    kept,
    key_of,
    preview_within,
    same_call,
    size_bytes,
)
from agents_impl.task.doing import TaskActs
from agents_impl.task.models import Call, Pending, Rejection, Verdict
from agents_impl.task.own_tools import OWN, ask_person
from agents_impl.task.permitting import Permit, rejected_before
from reins.tools.outcome import ToolError
from reins.tools.tool import Tool
from reins.tools.toolbox import Acted

_REJECTIONS = 30
_REASON_CHARS = 500


class TaskAsks(TaskActs):
    """Classifies calls, asks about those that need it, and takes the decisions in."""

    async def _do(self, tool: Tool, thought: str, arguments: dict[str, Any]) -> StepResult:
        """Make the call that was decided on, ask about it, or say why it is refused."""
        return await self._if_permitted(self._new_call(tool, thought, arguments), tool, arguments)

    async def _if_permitted(
        self, pending: Pending, tool: Tool, arguments: dict[str, Any]
    ) -> StepResult:
        try:
            permitted = await self._permitted(pending, tool, arguments)
            if permitted.verdict == "ask":
                return self._ask(pending, tool, arguments, await self._preview(tool, arguments))
        except ToolError as error:
            self._came_in(tool)
            return self._result(pending, Acted.not_made("failed", str(error)))
        if permitted.verdict == "deny":
            return self._result(pending, Acted.not_made("denied", permitted.why))
        if tool.policy.idempotent and pending.call.risk == "low":  # a pure read
            return await self._act(pending, tool)
        return await self._announced(pending)

    async def _permitted(self, pending: Pending, tool: Tool, arguments: dict[str, Any]) -> Permit:
        """May the call be made? Raises: ToolError."""
        if size_bytes(arguments) > MAX_ARGUMENTS_BYTES:
            raise ToolError(
                f"the arguments are more than {MAX_ARGUMENTS_BYTES:,} bytes; do it in parts"
            )
        if tool is ask_person:
            pending.call_hash = call_hash(tool.name, arguments)
            return Permit("ask")
        await self._classify(pending, tool, arguments)
        if (
            before := rejected_before(same_call(tool, arguments), self.state.rejections)
        ) is not None:
            why = f"a person has rejected this call: {before.reason or 'without a reason'}"
            return Permit("deny", why)
        return self._by_rules(pending, tool, arguments)

    async def _preview(self, tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
        """Give a person what is needed to decide. Raises: ToolError."""
        if tool is ask_person:
            return {"kind": "text", "text": arguments["question"]}
        shown = await self._toolbox.preview(tool, arguments, await self._surroundings())
        return preview_within(shown)

    def _new_call(self, tool: Tool, thought: str, arguments: dict[str, Any]) -> Pending:
        session = self.session
        seq = session.seq + 1
        key = key_of(session.session_id, session.created_at, seq)
        self._arguments = key, arguments
        call = Call(tool=tool.name, arguments=arguments, key=key)
        return Pending(thought=thought, call=call, call_hash="", seq=seq)

    async def _classify(self, pending: Pending, tool: Tool, arguments: dict[str, Any]) -> None:
        """Risk and hash of the call, as it is now. Raises: ToolError."""
        looked = await self._toolbox.look(tool, arguments, await self._surroundings())
        call = pending.call
        call.risk, call.reasons = with_outside(
            looked.risk, looked.reasons, outward=tool.policy.outward, outside=self.state.outside
        )
        pending.touches, pending.leads_to = looked.touches, list(looked.leads_to)
        pending.call_hash = call_hash(tool.name, arguments, looked.touches, digest(tool.spec()))

    def _ask(
        self, pending: Pending, tool: Tool, arguments: dict[str, Any], preview: Mapping[str, Any]
    ) -> StepResult:
        """Ask a person; the tick ends with a row, and none follows before the decision.

        Raises: ToolError where the call is too large to be asked about.
        """
        session, call = self.session, pending.call
        kind: Literal["approval", "question"] = "question" if tool is ask_person else "approval"
        item = Item(
            kind=kind,
            session_id=session.session_id,
            agent_id=session.agent_id,
            agent_type=session.agent_type,
            tool=tool.name,
            args=arguments,
            call_hash=pending.call_hash,
            risk=call.risk,
            reasons=call.reasons,
            thought=pending.thought,
            preview=preview,
            aspects=aspects_of(tool, arguments, pending.leads_to),
            expires_in_s=self.config.decide_within_s,
            item_id=call.key.replace("call_", "itm_"),
        )
        try:
            item.check()
        except ValueError as error:
            raise ToolError(f"a person cannot be asked about it: {error}") from None
        pending.asked = item.item_id
        self.state.pending = kept(pending)
        payload = {
            "thought": pending.thought,
            "call": as_payload(call.model_copy(update={"arguments": arguments})),
            **self._take_shown(),
        }
        text = f"asks: {call_line(tool.name, arguments)}"
        return StepResult(text, payload, effects=[self.services.get(Inbox).asking(item)])

    # -- decisions

    async def decided(self, decision: Decision) -> str:
        pending = self.state.pending
        if pending is None or pending.asked != decision.item_id or pending.dropped is not None:
            raise DecisionRejectedError(
                f"session {self.session.session_id} waits for no decision on {decision.item_id}; "
                "it has gone on without"
            )
        if decision.decision == "edit":
            await self._edited(pending, dict(decision.args or {}))
        pending.verdict = Verdict(
            decision=decision.decision,
            actor=decision.actor,
            text=decision.text,
            reason=decision.reason,
        )
        arguments = self._at_hand(pending) or {}
        return f"{decision.state}: {call_line(pending.call.tool, arguments)}"

    async def review(self, tool: str, args: Mapping[str, Any]) -> Reviewed:
        named, pending = self._tools().get(tool), self.state.pending
        if named is None or tool in OWN or pending is None:
            raise DecisionRejectedError(f"the arguments of {tool} cannot be edited")
        arguments = dict(args)
        if size_bytes(arguments) > KEPT_ARGUMENTS_BYTES:
            raise DecisionRejectedError(
                f"the edited arguments are more than {KEPT_ARGUMENTS_BYTES:,} bytes; reject the "
                "call with a reason instead"
            )
        edited = pending.model_copy(deep=True)
        try:
            named.check(arguments)
            await self._classify(edited, named, arguments)
            preview = await self._preview(named, arguments)
        except ToolError as error:
            raise DecisionRejectedError(str(error)) from error
        if rejected_before(same_call(named, arguments), self.state.rejections) is not None:
            raise DecisionRejectedError("a person has rejected this very call before")
        return Reviewed(
            args=arguments,
            call_hash=edited.call_hash,
            risk=edited.call.risk,
            reasons=edited.call.reasons,
            preview=preview,
            aspects=aspects_of(named, arguments, edited.leads_to),
        )

    async def _edited(self, pending: Pending, arguments: dict[str, Any]) -> None:
        tool = self._tools().get(pending.call.tool)
        if tool is None:
            raise DecisionRejectedError(f"there is no tool {pending.call.tool!r} any more")
        try:
            await self._classify(pending, tool, arguments)
        except ToolError as error:
            raise DecisionRejectedError(str(error)) from error
        pending.call.arguments = arguments

    async def _after_decision(self, pending: Pending, verdict: Verdict) -> StepResult:
        """Do what follows from a person's decision."""
        reason = (verdict.reason or "")[:_REASON_CHARS]
        match verdict.decision:
            case "answer":
                answer = Acted(ok=True, text=verdict.text or "", kind="answered")
                return self._result(pending, answer)
            case "expire":
                why = "nobody decided in time; that is no rejection"
                return self._result(pending, Acted.not_made("expired", why))
            case "reject":
                return await self._rejected(pending, verdict.actor, reason)
        if not pending.begun:
            if (stale := await self._why_stale(pending)) is not None:
                return self._result(pending, Acted.not_made("stale", stale))
            if (denied := await self._why_denied(pending)) is not None:
                return self._result(pending, Acted.not_made("denied", denied))
        return await super()._go_on(pending)

    async def _answered(self, pending: Pending, verdict: Verdict) -> StepResult:
        """Go on with a call whose tool has asked, if there is an answer now."""
        if verdict.decision == "expire":
            return await self._after_decision(pending, verdict)
        if verdict.decision == "reject":
            why = f"{verdict.actor} did not answer what the tool asked: {verdict.reason or ''}"
            return self._result(pending, Acted.not_made("rejected", why[:_REASON_CHARS]))
        if not pending.begun and (denied := await self._why_denied(pending)) is not None:
            return self._result(pending, Acted.not_made("denied", denied))
        return await super()._go_on(pending)

    async def _why_denied(self, pending: Pending) -> str | None:
        """The reason why a call is refused that a person has allowed: a rule denies it since."""
        tool = self._tools().get(pending.call.tool)
        if tool is None:
            return None  # said when it is made
        permitted = self._by_rules(pending, tool, await self._whole(pending))
        return permitted.why if permitted.verdict == "deny" else None

    async def _rejected(self, pending: Pending, actor: str, reason: str) -> StepResult:
        arguments = await self._whole(pending)
        tool = self._tools().get(pending.call.tool)
        if tool is not None and tool is not ask_person:
            line = call_line(tool.name, arguments)
            made = Rejection(call_hash=same_call(tool, arguments), line=line, reason=reason)
            rejections = [*self.state.rejections, made][-_REJECTIONS:]
            self.state.rejections = newest(rejections, REJECTIONS_BYTES, lambda each: each.text)
        why = f"{actor} rejected it{f': {reason}' if reason else ''}"
        return self._result(pending, Acted.not_made("rejected", why))

    async def _why_stale(self, pending: Pending) -> str | None:
        """The reason why the decision is about another call than would be made now."""
        tool = self._tools().get(pending.call.tool)
        if tool is None:
            return None  # said when it is made
        now = pending.model_copy(deep=True)
        try:
            await self._classify(now, tool, await self._whole(pending))
        except ToolError as error:
            return f"what it touches cannot be read any more: {error}"
        if now.call_hash != pending.call_hash:
            return "the tool, or what it would change, has changed since it was asked; look again"
        if RISKS.index(now.call.risk) > RISKS.index(pending.call.risk):
            return f"its risk is {now.call.risk} by now, and was {pending.call.risk} when asked"
        return None

    async def _go_on(self, pending: Pending) -> StepResult:
        """Before a call is begun, it has to be permitted: rules may have changed meanwhile."""
        tool = self._tools().get(pending.call.tool)
        if pending.dropped is not None or (pending.verdict is None and pending.begun):
            return await super()._go_on(pending)
        if pending.verdict is not None:
            after = self._after_decision if pending.goes_on is None else self._answered
            return await after(pending, pending.verdict)
        if tool is None:
            return await super()._go_on(pending)
        return await self._if_permitted(pending, tool, await self._whole(pending))
