"""An agent that asks a person before each thing that it does. A module of agent types."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import Quiet, StepResult
from agent_core.inbox.inbox import Inbox
from agent_core.inbox.item import Call, Item, call_hash
from agent_core.inbox.risk import with_outside
from agent_core.session.decisions import (
    Aspects,
    Decision,
    DecisionRejectedError,
    Reviewed,
    Risk,
)


class AskingConfig(AgentConfig):
    """Does the same call `times` times; `wrong` arguments are refused as an edit."""

    tool: str = "write_note"
    args: dict[str, Any] = Field(default_factory=lambda: {"text": "hello"})
    kind: Literal["approval", "question"] = "approval"
    risk: Risk = "medium"
    times: int = 1
    expires_in_s: float | None = None
    argv: list[str] | None = None
    paths: list[str] = Field(default_factory=list)
    hosts: list[str] = Field(default_factory=list)
    shell: bool = False
    outward: bool = False
    outside: bool = False
    touches: str = ""
    item_id: str | None = None
    preview: dict[str, Any] | None = None


class Pending(BaseModel):
    item_id: str
    call_hash: str
    decision: str = ""
    args: dict[str, Any] = {}
    text: str | None = None


class AskingState(BaseModel):
    done: list[dict[str, Any]] = []
    heard: list[str] = []
    pending: Pending | None = None


class AskingAgent(LoopingAgentBase):
    """Asks, and does what is allowed: each call it has done stands in its state, once."""

    agent_type = "asking"
    Config = AskingConfig
    State = AskingState

    async def tick(self) -> StepResult | Quiet:
        pending = self.state.pending
        if pending is None:
            return self._next()
        if not pending.decision:
            return Quiet(next_in_s=60)
        return self._settle(pending)

    def _next(self) -> StepResult | Quiet:
        if len(self.state.heard) >= self.config.times:
            return Quiet(next_in_s=60)
        call = self._call()
        rule = self._inbox.rules.decide(call)
        if rule is not None:
            self.state.heard.append(f"rule {rule.effect}")
            if rule.allows:
                self.state.done.append(dict(call.args))
            return StepResult(f"{rule.told()}", next_in_s=0)
        item = self._item(call)
        self.state.pending = Pending(item_id=item.item_id, call_hash=item.call_hash)
        return StepResult(f"asks for {call.tool}", effects=[self._inbox.asking(item)])

    def _settle(self, pending: Pending) -> StepResult:
        self.state.pending = None
        self.state.heard.append(pending.decision)
        if pending.decision not in ("approve", "edit"):
            return StepResult(f"heard {pending.decision}: {pending.text}", next_in_s=0)
        seq = self.session.seq + 1
        if pending.decision == "approve" and self._hash(pending.args) != pending.call_hash:
            effect = self._inbox.settled(pending.item_id, "stale", seq)
            return StepResult("it has changed since", effects=[effect], next_in_s=0)
        self.state.done.append(pending.args)
        effect = self._inbox.settled(pending.item_id, "ran", seq)
        return StepResult(f"did {pending.args}", effects=[effect], next_in_s=0)

    async def decided(self, decision: Decision) -> str:
        pending = self.state.pending
        if pending is None or pending.item_id != decision.item_id:
            raise DecisionRejectedError(f"{decision.item_id} is not what is waited for")
        pending.decision = decision.decision
        pending.args = dict(self.config.args if decision.args is None else decision.args)
        pending.text = decision.text or decision.reason
        return f"{decision.decision} of {decision.tool}"

    async def review(self, tool: str, args: Mapping[str, Any]) -> Reviewed:
        if "text" not in args:
            raise DecisionRejectedError(f"{tool}: text: Field required")
        risk: Risk = "high" if args["text"] == "rm" else self.config.risk
        return Reviewed(dict(args), self._hash(args), risk, ["classified again"])

    def _call(self) -> Call:
        risk, _ = with_outside(
            self.config.risk, [], outward=self.config.outward, outside=self.config.outside
        )
        argv = self.config.argv
        aspects = Aspects(
            argv=None if argv is None else tuple(argv),
            paths=tuple(self.config.paths),
            hosts=tuple(self.config.hosts),
            shell=self.config.shell,
            spec="spec-1",
        )
        session = self.session
        return Call(
            session.session_id, session.agent_id, self.agent_type, self.config.tool,
            self.config.args, risk, aspects,
        )  # fmt: skip

    def _item(self, call: Call) -> Item:
        return Item(
            **({} if self.config.item_id is None else {"item_id": self.config.item_id}),
            kind=self.config.kind,
            session_id=call.session_id,
            agent_id=call.agent_id,
            agent_type=call.agent_type,
            tool=call.tool,
            args=call.args,
            call_hash=self._hash(call.args),
            risk=call.risk,
            reasons=["it writes"],
            thought="I need it",
            preview=self.config.preview or {"kind": "fields", **call.args},
            aspects=call.aspects,
            expires_in_s=self.config.expires_in_s,
        )

    def _hash(self, args: Mapping[str, Any]) -> str:
        return call_hash(self.config.tool, args, self.config.touches)

    @property
    def _inbox(self) -> Inbox:
        return self.services.get(Inbox)
