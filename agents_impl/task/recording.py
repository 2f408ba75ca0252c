"""The rows of a task: the outcome of a call, that it makes no way, the result of a goal."""

from collections.abc import Mapping
from typing import Any

from agent_core.agent.effects import Effect
from agent_core.agent.results import StepResult
from agent_core.inbox.inbox import Inbox, Settled
from agent_core.inbox.item import Item, call_hash
from agent_core.session.waiting import Waiting
from agents_impl.task import goals
from agents_impl.task.calls import as_payload, call_line, digest, kept
from agents_impl.task.history import Seen
from agents_impl.task.means import TaskMeans
from agents_impl.task.models import Pending, Recent, Result
from agents_impl.task.own_tools import finish
from agents_impl.task.prompting import Thought
from agents_impl.task.stuck import why_stuck, with_act
from reins.remembering.recollection import Recalled
from reins.threads import READS
from reins.tools.toolbox import Acted
from store.documents import CITES
from store.reading import Reader

_UNREADABLE = 3
_ROUNDS = 5
"""Times that a tool may ask people in one call."""
_ASKS_CHARS = 200
_UNREADABLE_CHARS = 2_000
_WARNING = (
    "You make no way: {why}. Do something else: look from another side, ask a person, or finish "
    "with the status blocked or failed."
)
_SETTLED: dict[str | None, Settled | None] = {
    "stale": "stale", "unknown": "unknown", "withdrawn": "withdrawn", "denied": "stale",
    "rejected": None, "expired": None, "answered": None,
}  # fmt: skip
"""Kind of an outcome to what became of the item that was asked; of others their tries say it."""


class TaskRecords(TaskMeans):
    """Makes the results of ticks; keeps in memory what the next thought is to see."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shown: dict[str, Any] | None = None
        self._recalled = Recalled()
        self._seen: tuple[int, dict[str, Any]] | None = None

    def after_tick(self) -> None:
        super().after_tick()
        if self._seen is None:
            return
        (iteration, payload), self._seen = self._seen, None
        if self._history is not None and self.session.iteration > iteration:
            seen = Seen.of(self.session.seq, payload)
            if seen is not None:
                self._history.add(seen)

    def _result(self, pending: Pending, acted: Acted) -> StepResult:
        """The tick's row of a call that has an outcome; held where the task makes no way."""
        state = self.state
        state.pending = None
        arguments = self._at_hand(pending) or {}
        payload: dict[str, Any] = {
            "thought": pending.thought,
            "call": as_payload(pending.call),
            "outcome": acted.as_payload(),
            **self._take_shown(),
        }
        self._seen = self.session.iteration, payload
        line = call_line(pending.call.tool, arguments)
        text = line if acted.ok else f"{line}: {acted.kind}"
        call = digest([pending.call.tool, arguments])
        state.recent = with_act(
            state.recent, Recent(call=call, result=digest(acted.text), ok=acted.ok)
        )
        effects = self._settled(pending, acted)
        if (why := why_stuck(state.recent)) is None:
            return self._step(text, payload, effects)
        if state.warned:
            return self._held(why, text, payload, effects)
        state.warned, state.recent = True, []
        state.noted = _WARNING.format(why=why)
        return self._step(text, payload | {"warned": why}, effects)

    def _asks_before_it_goes_on(
        self, pending: Pending, acted: Acted, asks: Mapping[str, Any]
    ) -> StepResult:
        """The tool has asked a person: the call goes on with the answer, whenever that comes."""
        if pending.rounds >= _ROUNDS:
            why = f"the tool asked {pending.rounds} times, and would ask again: {acted.error}"
            return self._result(pending, Acted.not_made("failed", why))
        effects, inbox = self._settled(pending, acted), self.services.get(Inbox)
        session = self.session
        question = {"question": asks["question"]}
        item = Item(
            kind="question",
            session_id=session.session_id,
            agent_id=session.agent_id,
            agent_type=session.agent_type,
            tool=pending.call.tool,
            args=question,
            call_hash=call_hash(pending.call.tool, question),
            thought=pending.thought,
            preview={"kind": "text", "text": asks["question"]},
            expires_in_s=self.config.decide_within_s,
            item_id=f"itm_{digest([pending.call.key, pending.rounds])}",
        )
        waits = {"asked": item.item_id, "goes_on": asks["state"], "rounds": pending.rounds + 1}
        waits |= {"verdict": None, "begun": False}
        self.state.pending = kept(pending.model_copy(update=waits))
        payload = {
            "thought": pending.thought,
            "call": as_payload(pending.call),
            "outcome": acted.as_payload(),
            **self._take_shown(),
        }
        self._seen = session.iteration, payload
        text = f"{pending.call.tool} asks: {asks['question']}"[:_ASKS_CHARS]
        return StepResult(text, payload, effects=[*effects, inbox.asking(item)])

    def _settled(self, pending: Pending, acted: Acted) -> list[Effect]:
        """The end of the item that was asked about the call."""
        became = _SETTLED.get(acted.kind, "ran" if acted.attempts else "stale")
        if acted.kind in ("cancelled", "timeout"):
            became = "unknown" if pending.begun and acted.attempts else "withdrawn"
        if pending.repeated and not acted.attempts:  # what the worker before did nobody knows
            became = "unknown"
        if pending.asked is None or became is None:
            return []
        inbox = self.services.get(Inbox)
        return [inbox.settled(pending.asked, became, self.session.seq + 1)]

    def _held(
        self,
        why: str,
        text: str = "held",
        payload: dict[str, Any] | None = None,
        effects: list[Effect] | None = None,
    ) -> StepResult:
        """No tick follows before a person resumes the session, or says something."""
        state = self.state
        state.warned, state.recent, state.unreadable = False, [], 0
        state.allowed = max(state.allowed, state.thoughts + self.config.max_iterations)
        return StepResult(
            f"{text}; it is stuck: {why}",
            {**(payload or {}), "stuck": why},
            waits=Waiting.stuck(why),
            effects=effects or (),
        )

    def _unreadable(self, why: str) -> StepResult:
        state = self.state
        state.thoughts += 1
        state.unreadable += 1
        payload = {"unreadable": why[:_UNREADABLE_CHARS], **self._take_recalled()}
        if state.unreadable >= _UNREADABLE:
            reason = f"{_UNREADABLE} answers of the model could not be read"
            return self._held(reason, "the answer could not be read", payload)
        state.noted = f"Your last answer could not be read: {why[:500]}"
        return self._step("the answer could not be read", payload)

    async def _wrong_citations(self, arguments: Mapping[str, Any]) -> str | None:
        """The citations of a result that do not stand in their documents, in words."""
        parts = [arguments.get("summary"), *(arguments.get("facts") or ())]
        text = "\n".join(str(part) for part in parts)
        if CITES not in text:
            return None
        from reins.documents.citing import why_wrong  # noqa: PLC0415 - of those who cite

        return await READS.call(why_wrong, text, self.services.get(Reader))

    def _miscited(self, thought: Thought, wrong: str) -> StepResult:
        """The result is not taken: people would read words that nobody has written."""
        decided = thought.decided
        self.state.noted = f"Your result cites what does not stand there: {wrong}. Mend it"
        payload = {
            "thought": decided.thought,
            "call": {"tool": decided.tool, "arguments": decided.arguments},
            "outcome": Acted.never_made("arguments", wrong).as_payload(),
            **self._take_shown(),
        }
        self._seen = self.session.iteration, payload
        return self._step("the result cites what does not stand there", payload)

    def _finished(self, thought: Thought) -> StepResult:
        """The result of the goal; the session's result where nothing more is to be done."""
        state, decided = self.state, thought.decided
        given: Any = finish.check(decided.arguments)
        result = Result(
            status=given.status,
            goal=state.goal,
            summary=given.summary,
            files=given.files or list(state.files_changed),
            facts=given.facts,
        )
        done = goals.finish(state, result, self.config)
        payload = {
            "thought": decided.thought,
            "call": {"tool": decided.tool, "arguments": decided.arguments},
            "result": result.model_dump(),
            **self._take_shown(),
        }
        self._seen = self.session.iteration, payload
        return self._step(result.summary, payload, done=done)

    def _step(
        self,
        text: str,
        payload: dict[str, Any],
        effects: list[Effect] | None = None,
        *,
        done: bool = False,
    ) -> StepResult:
        own_s: float | None = self.config.heartbeat_s
        return StepResult(text, payload, effects=effects or (), done=done, next_in_s=own_s or 0.0)

    def _take_shown(self) -> dict[str, Any]:
        """The part of its context that the thought was sent, for one row."""
        shown, self._shown = self._shown, None
        return {**({} if shown is None else {"context": shown}), **self._take_recalled()}

    def _take_recalled(self) -> dict[str, Any]:
        """The memories that the thought was told, for the first row after it."""
        recalled, self._recalled = self._recalled, Recalled()
        return recalled.payload()

    def told_failed(self) -> dict[str, Any]:
        self._shown = None
        return self._take_recalled()
