"""Tools that the tasks of a plan call: those that its configuration names, up to a risk."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from agent_core.agent.services import Services
from agent_core.session.session import Session
from agents_impl.boarding import ToolBoards
from agents_impl.documenting import documents_of
from agents_impl.knowing import ToolFacts
from agents_impl.plan.models import PlanConfig
from agents_impl.searching import ToolSearch
from agents_impl.selecting import ToolTables
from agents_impl.task.models import Risk
from agents_impl.task.permitting import permit
from reins.blackboard.boards import Boards
from reins.blackboard.calling import CallBoards
from reins.llm import Model
from reins.sql.runner import SqlRunner
from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.toolbox import Acted, Toolbox
from store.reading import Reader


class PlanTools:
    """Calls tools for the tasks of one session, each call in surroundings of its own."""

    def __init__(
        self,
        session: Session,
        config: PlanConfig,
        services: Services,
    ) -> None:
        self._services = services
        self._toolbox = services.get(Toolbox)
        self._session = session
        self._config = config
        self._around: Context | None = None

    async def check(self) -> None:
        """Check that what the configuration names is there, and may be used. Raises: ToolError."""
        self._toolbox.select(self._config.tools)
        await self._surroundings()

    async def _surroundings(self) -> Context:
        if self._around is None:
            session = self._session
            self._around = await self._toolbox.context(
                session.session_id, session.agent_id, self._config.workspace
            )
        return self._around

    async def call(
        self, name: str, arguments: Mapping[str, Any], key: str, facts: ToolFacts
    ) -> Acted:
        """The outcome of a call; `key` is the same where it is made again after a crash.

        Raises: ToolError for a tool that the plan does not have, and where nothing can be called.
        """
        tools = self._toolbox.select(self._config.tools)
        if name not in tools:
            there = ", ".join(sorted(tools)) or "none"
            raise ToolError(f"the plan has no tool {name!r}; its configuration names: {there}")
        get, model = self._services.get, self._services.get(Model)
        boards = CallBoards(lambda: get(Boards), self._session, key)
        context = replace(
            await self._surroundings(),
            key=key,
            memory={},
            model=model,
            approve=self._approve,
            boards=ToolBoards(boards),
            documents=documents_of(self._services, self._session, key),
            facts=facts,
            search=ToolSearch(lambda: get(Reader), model, self._session.session_id),
            tables=ToolTables(lambda: get(SqlRunner)),
        )
        return await self._toolbox.act(tools[name], arguments, context)

    async def _approve(
        self, tool: str, arguments: Mapping[str, Any], risk: str, reasons: list[str]
    ) -> str | None:
        del arguments
        approvals = self._config.approvals
        if permit(cast("Risk", risk), approvals).verdict == "run":
            return None
        why = f" ({'; '.join(reasons)})" if reasons else ""
        return (
            f"{tool} is of {risk} risk here{why}, and approvals is {approvals!r}; a plan "
            "asks nobody: let a session of type task do it, or allow more"
        )
