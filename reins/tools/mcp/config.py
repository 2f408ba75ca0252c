"""mcp.json: the MCP servers, in the form that other programs have; and what is ours beside it."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from reins import redaction
from reins.settings import environment
from reins.tools.tool import digest_of
from reins.variables import VariableMissingError, filled

FILE = "mcp.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_SECRET = re.compile("auth|cookie|key|secret|token", re.IGNORECASE)
_SHOWN = 3


class McpConfigError(ValueError):
    """mcp.json cannot be used; the servers that there were stay."""


class ToolEntry(BaseModel):
    """The words of the person who configures a server on some of its tools.

    `idempotent`: a call may be made again. `outward`: it may send something out.
    """

    model_config = ConfigDict(extra="forbid")

    risk: Literal["low", "medium", "high"] = "medium"
    idempotent: bool = False
    outward: bool = True


class ServerEntry(BaseModel):
    """One server: a program that speaks over its input and output, or an address.

    `tools` are what a person says of its tools, by names and patterns; the last that fits counts.
    Fields of other programs are ignored. **Units**: seconds.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str | None = Field(None, min_length=1)
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str | None = None
    url: str | None = Field(None, pattern=r"^https?://[^/\s]+")
    headers: dict[str, str] = {}
    disabled: bool = False
    sandbox: bool = False
    network: bool = False
    connect_s: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 30.0
    call_s: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = 60.0
    tools: dict[str, ToolEntry] = {}

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either command (with args, env) or url (with headers)")
        if self.sandbox and self.command is None:
            raise ValueError("sandbox is for a server with a command; one behind a url is not here")
        if self.network and not self.sandbox:
            raise ValueError("network is for a server in a sandbox; any other has it anyway")
        return self

    @field_validator("url")
    @classmethod
    def _bears_no_password(cls, value: str | None) -> str | None:
        if value is not None and "@" in value.split("/")[2]:
            raise ValueError("give a password as a header, not in the address")
        return value

    @property
    def transport(self) -> Literal["stdio", "http"]:
        return "stdio" if self.url is None else "http"

    @property
    def where(self) -> str:
        """The program or the address, as people are told of it: without its arguments."""
        return self.url.partition("?")[0] if self.url is not None else str(self.command)

    @property
    def identity(self) -> str:
        """A name for what is asked: another program, argument or address is another server."""
        return digest_of([self.command, self.args, self.cwd, self.url])[:32]

    def entry(self, tool: str) -> ToolEntry:
        """The words on a tool."""
        found = [each for name, each in self.tools.items() if fnmatchcase(tool, name)]
        return found[-1] if found else ToolEntry()


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    servers: dict[str, ServerEntry] = Field({}, alias="mcpServers")


def default_file() -> Path | None:
    """`mcp.json` in the working folder, if it is there."""
    path = Path(FILE)
    return path.absolute() if path.exists() else None


def read(path: Path | None) -> dict[str, ServerEntry]:
    """The servers of the file, by their names; none without a file. Raises: McpConfigError."""
    if path is None:
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise McpConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise McpConfigError(f"{path} is no JSON: {error}") from error
    try:
        servers = _File.model_validate(filled(given, environment())).servers
    except VariableMissingError as error:
        raise McpConfigError(f"{path}: {error}") from None
    except ValidationError as error:
        raise McpConfigError(_told(path, error)) from None
    for name, each in servers.items():
        if not _NAME.fullmatch(name) or "__" in name:
            raise McpConfigError(
                f"{path}: a server cannot be named {name!r}; expected {_NAME.pattern}, without __"
            )
        _know_secrets(each)
    return {name: each for name, each in servers.items() if not each.disabled}


def _know_secrets(entry: ServerEntry) -> None:
    redaction.know_environment(entry.env)
    for name, value in entry.headers.items():
        if _SECRET.search(name):
            redaction.know(value, *value.split())


def _told(path: Path, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{path}: {told}{more}"
