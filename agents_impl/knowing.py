"""Facts as tools have them: what cannot be is told as a tool's error."""

from collections.abc import Mapping
from typing import Any

from reins.facts.calling import CallFacts
from reins.facts.naming import FactError
from reins.tools.outcome import ToolError


class ToolFacts:
    """See `reins.tools.context.Facts`."""

    def __init__(self, facts: CallFacts) -> None:
        self._facts = facts

    async def remember(
        self,
        subject: str,
        relation: str,
        object: str,  # noqa: A002 - the third part of a fact has no other name
        **more: Any,
    ) -> dict[str, Any]:
        try:
            return await self._facts.remember(subject, relation, object, **more)
        except FactError as error:
            raise ToolError(str(error)) from None

    def done_before(self, told: Mapping[str, Any] | None) -> None:
        self._facts.done_before(told)

    async def end(self, fact_id: str, at: str | None, text: str) -> None:
        try:
            await self._facts.end(fact_id, at, text)
        except FactError as error:
            raise ToolError(str(error)) from None

    async def retract(self, fact_id: str | None, source: str | None, text: str) -> int:
        try:
            return await self._facts.retract(fact_id, source=source, text=text)
        except FactError as error:
            raise ToolError(str(error)) from None

    async def about(self, name: str, **more: Any) -> dict[str, Any]:
        try:
            return await self._facts.about(name, **more)
        except FactError as error:
            raise ToolError(str(error)) from None

    async def neighbours(self, name: str, relation: str | None, **more: Any) -> list[Any]:
        try:
            return await self._facts.neighbours(name, relation, **more)
        except FactError as error:
            raise ToolError(str(error)) from None

    async def paths(self, start: str, goal: str, steps: int) -> dict[str, Any] | None:
        try:
            return await self._facts.paths(start, goal, steps)
        except FactError as error:
            raise ToolError(str(error)) from None

    async def why(self, fact_id: str) -> dict[str, Any]:
        try:
            return await self._facts.why(fact_id)
        except FactError as error:
            raise ToolError(str(error)) from None
