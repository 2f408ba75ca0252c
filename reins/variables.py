"""`${NAME}` and `${NAME:-default}` in files that people write, filled from the environment."""

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class VariableMissingError(ValueError):
    """A variable without a default that is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the variable {name} is not set; give it a value")


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """The same JSON with the variables' values in its texts. Raises: VariableMissingError."""

    def found(match: re.Match[str]) -> str:
        name, default = match.groups()
        if (given := variables.get(name, default)) is None:
            raise VariableMissingError(name)
        return given

    match value:
        case str():
            return _VARIABLE.sub(found, value)
        case list():
            return [filled(each, variables) for each in value]
        case dict():
            return {name: filled(each, variables) for name, each in value.items()}
    return value
