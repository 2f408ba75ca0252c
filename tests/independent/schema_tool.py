"""A tool of which others have written the JSON schema."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict

from reins.tools.outcome import ArgumentsError
from reins.tools.policy import Policy
from reins.tools.tool import Tool


class Anything(BaseModel):
    """The arguments as they came; the schema has checked them."""

    model_config = ConfigDict(extra="allow")


class SchemaTool(Tool):
    """Checks its arguments by the schema, and by nothing else."""

    input = Anything

    def __init__(
        self, name: str, description: str, schema: dict[str, Any], policy: Policy, group: str
    ) -> None:
        self.name, self.description = name, description
        self.policy, self.group = policy, group
        self._schema = schema
        self._validator = Draft202012Validator(schema)

    def check(self, arguments: Mapping[str, Any]) -> BaseModel:
        wrong = next(iter(self._validator.iter_errors(dict(arguments))), None)
        if wrong is not None:
            raise ArgumentsError(f"{wrong.json_path}: {wrong.message[:300]}")
        return super().check(arguments)

    async def run(self, given, context):
        raise NotImplementedError
