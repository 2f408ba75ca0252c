"""A tool of which others have written the JSON schema."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from reins.tools.mcp.schemas import Checker, harmless
from reins.tools.outcome import ArgumentsError
from reins.tools.policy import Policy
from reins.tools.tool import Tool


class Anything(BaseModel):
    """The arguments as they came; the schema has checked them."""

    model_config = ConfigDict(extra="allow")


class SchemaTool(Tool):
    """Checks its arguments as a tool of an MCP server does: by the schema, made harmless."""

    input = Anything

    def __init__(
        self, name: str, description: str, schema: dict[str, Any], policy: Policy, group: str
    ) -> None:
        self.name, self.description = name, description
        self.policy, self.group = policy, group
        self._schema = harmless(schema)
        self._checker = Checker(self._schema)

    def check(self, arguments: Mapping[str, Any]) -> BaseModel:
        if faults := self._checker.faults(arguments):
            raise ArgumentsError(faults)
        return super().check(arguments)

    async def run(self, given, context):
        raise NotImplementedError
