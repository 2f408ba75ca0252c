"""The second argument of an action: where it runs, and what it says, spends and listens to."""

import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from reins.plans.errors import PlanError
from reins.plans.outcome import Spent, wrong_in
from reins.plans.result import words_of

node_path: ContextVar[str | None] = ContextVar("plan_node_path", default=None)
"""The path of the task that runs here, also in its thread; None outside of plans."""

_STOPS = threading.Lock()


@dataclass(slots=True)
class Context:
    """One run of one task.

    `key` is the same after a restart, and another one in another turn or attempt: send it along
    with what must not happen twice. `stop` is set where the task is cancelled: a thread cannot be
    ended from outside, so look at it now and then.
    """

    path: str
    args: dict[str, Any]
    attempt: int
    key: str
    guidance: Any = None
    ask: Callable[[str], Awaitable[str]] | None = None
    """Asks a model one prompt, where there is one: on the account of the session, in a session."""
    call: Callable[[str, dict[str, Any]], Awaitable[str]] | None = None
    """Calls a tool by its name and gives its result, where there are tools: in a session."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """The calls of tools that were made, as rows tell of them."""
    mind: Any = None
    """The mind of the session that runs the plan (`reins.mind.TaskMind`), where there is one."""
    boards: Any = None
    """The boards (`reins.blackboard.calling.CallBoards`), where there are some: in a session."""
    facts: Any = None
    """The facts (`reins.facts.calling.CallFacts`), where there are some: in a session."""
    said: list[str] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    is_waiting: bool = False
    """It waits for its rate, or for a thread: its action has not begun."""
    runs_on: bool = False
    """It was cancelled, and its thread runs on."""
    _stop: threading.Event | None = field(default=None, init=False, repr=False)

    @property
    def stop(self) -> threading.Event:
        """Set where the task is cancelled. Made when it is asked for: few tasks look at it."""
        if self._stop is None:
            with _STOPS:  # the loop and the task's thread may both be the first
                self._stop = self._stop or threading.Event()
        return self._stop

    def say(self, text: str) -> None:
        """Record a line for whoever reads along."""
        self.said.append(words_of(text))

    def spend(self, *, tokens: int = 0, cost_usd: float = 0.0) -> None:
        """Count tokens or money against the budgets of the plan. Raises: PlanError."""
        spent = Spent(tokens, cost_usd)
        if wrong := wrong_in(spent):
            raise PlanError(wrong)
        self.spent += spent
