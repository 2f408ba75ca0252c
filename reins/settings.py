"""The one table of settings: each with its default, its unit and what it is for."""

import difflib
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnparsableSetting

from reins import redaction
from reins.web_address import (
    valid_host,
    valid_host_pattern,
    valid_network,
    valid_path_prefix,
    valid_place,
)

PREFIX = "REINS_"
LINE_END = "\r\n"
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class SettingsError(ValueError):
    """A setting is misspelt or impossible; the message names it and says what would be right."""


def _valid_mirror(url: str) -> str:
    """Raises: ValueError that does not repeat the address, which may hold a password."""
    if not url.startswith(("redis://", "rediss://", "postgresql://", "postgres://")):
        raise ValueError("expected an address such as redis://… or postgresql://…")
    return url


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("expected the whole path of a folder, which begins with /")
    return path


class Settings(BaseSettings):
    """Every setting, read from `REINS_*` variables, then from `.env` in the working folder."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    data: Path = Field(Path("data"), description="folder of the tables and the journal")
    host: str = Field("127.0.0.1", description="address the web listens on")
    port: int = Field(8700, ge=0, le=65_535, description="port the web listens on; 0 picks one")
    token: str | None = Field(None, min_length=16, description="token the web asks for", repr=False)
    allowed_hosts: list[Annotated[str, AfterValidator(valid_host)]] = Field(
        [], description="further host names that the web answers to, as JSON"
    )
    trusted_proxies: list[Annotated[str, AfterValidator(valid_network)]] = Field(
        [], description="addresses of proxies whose `X-Forwarded-…` headers count, as JSON"
    )
    path_prefix: Annotated[str, AfterValidator(valid_path_prefix)] = Field(
        "", description="path under which a proxy serves the web, such as `/reins`"
    )
    durable: Literal["power", "process"] = Field(
        "power",
        description="what a row of the journal survives: loss of power, or only of the process",
    )
    heartbeat_s: Seconds = Field(3.0, description="seconds between two ticks of a session")
    jitter: float = Field(0.1, ge=0, le=0.5, description="random share of each wait, both ways")
    pace: Literal["calm", "brisk", "free"] = Field(
        "calm", description="pace of a conversation that has none of its own"
    )
    search: Literal["off", "words", "meaning"] = Field(
        "off",
        description="the index of all that was said: none, by words, or by words and meaning",
    )
    search_mb: int = Field(
        512, ge=64, le=65_536, description="memory for parts of the index that searches read, in MB"
    )
    circles: Literal["tell", "ask", "pause"] = Field(
        "tell",
        description="of a session that goes in circles: tell of it, hold it for a person, pause it",
    )
    circles_above: float = Field(
        0.95, gt=0, le=1, description="likeness of its newest rows to its past: it goes in circles"
    )
    sql: Literal["off", "on"] = Field(
        "off", description="whether people may read the tables by SQL (needs the extra `sql`)"
    )
    sql_s: Seconds = Field(5.0, le=600, description="seconds after which a statement is ended")
    sql_mb: int = Field(
        512, ge=64, le=65_536, description="memory of a statement, in MB; Linux holds it to that"
    )
    sql_rows: int = Field(
        10_000, ge=1, le=1_000_000, description="rows of a statement's result at the most"
    )
    tick_timeout_s: Seconds = Field(300.0, description="seconds after which a tick is given up")
    hanging_after_s: Seconds = Field(
        20.0,
        description="seconds before which no tick is said to hang, however quick its session is",
    )
    max_failures: int = Field(
        5,
        ge=1,
        le=1_000,
        description="failed ticks in a row, by faults of its own, until a session is `failed`",
    )
    retry_wait_s: Seconds = Field(
        1.0, description="seconds before the first retry of a failed tick; doubles each time"
    )
    retry_wait_max_s: Seconds = Field(60.0, description="seconds a retry waits at the most")
    stop_grace_s: Seconds = Field(
        10.0, description="seconds a tick in flight is given to end when its session is stopped"
    )
    actor: str | None = Field(
        None,
        min_length=1,
        description="name that the page offers to whoever acts; default: the system's user, where "
        "`host` is loopback",
    )
    poll_s: Seconds = Field(2.0, description="seconds between two safety polls of the queue")
    queue_max: int = Field(
        100_000, ge=1, description="actions that may wait in the queue; a helper is refused above"
    )
    flush_s: Seconds = Field(1.0, description="seconds between two flushes of the journal")
    pending_rows: int = Field(
        200_000, ge=1_000, description="rows the journal may hold before ticks wait for the flush"
    )
    topic_max_unread: int = Field(
        1_000_000, ge=1, description="messages of a topic that a subscriber may not have read"
    )
    topic_max_age_s: int = Field(
        2_592_000,
        ge=1,
        description="seconds for which a subscriber may not have read a message of a topic",
    )
    topic_when_full: Literal["wait", "reject", "drop_oldest"] = Field(
        "reject",
        description="what becomes of a message for which a topic has no room by these bounds",
    )
    topic_wait_s: Seconds = Field(
        60.0, description="seconds that whoever publishes waits for room, where `wait` is set"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="log lines as text or JSON; auto: text on a terminal"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log line that is written"
    )
    agent_modules: list[str] = Field(
        ["agents_impl"], min_length=1, description="modules and packages of agent types, as JSON"
    )
    tools: list[str] = Field([], description="modules and packages of your own tools, as JSON")
    plans: list[str] = Field(
        [], description="modules of your own actions and plans (`reins.plans.Actions`), as JSON"
    )
    mcp: Path | None = Field(
        None, description="file of MCP servers; default: `mcp.json` of the working folder"
    )
    webhooks: Path | None = Field(
        None, description="file of webhooks; default: `webhooks.json` of the working folder"
    )
    hooks: Path | None = Field(
        None,
        description="file of webhooks that others call; default: `hooks.json` of the working "
        "folder",
    )
    watch_roots: list[Path] = Field(
        [], description="folders below which an agent's `on` may watch files, as JSON"
    )
    document_folders: list[Annotated[Path, AfterValidator(_absolute)]] = Field(
        [], description="folders whose files are documents, as they are now, as JSON"
    )
    tools_unconfined: bool = Field(
        default=False, description="run commands of tools where nothing can confine them; each asks"
    )
    workspaces: Path | None = Field(
        None,
        description="folder in which sessions have their workspaces; default: `workspaces` beside "
        "the data folder",
    )
    workspace_roots: list[Path] = Field(
        [], description="folders below which a session may ask for its workspace, as JSON"
    )
    http_hosts: list[Annotated[str, AfterValidator(valid_host_pattern)]] = Field(
        ["*"], description="hosts that tools may ask, as JSON; `*`: all that are public"
    )
    http_inner_hosts: list[Annotated[str, AfterValidator(valid_place)]] = Field(
        [], description="places of the own network that tools may ask all the same, as JSON"
    )
    search_engine: Literal["none", "searxng", "brave", "tavily", "local"] = Field(
        "none", description="where `web_search` looks; local: in the pages of `search_index`"
    )
    search_url: str | None = Field(
        None, description="address of the search engine; SearXNG has none of its own"
    )
    search_key: str | None = Field(None, description="key for the search engine", repr=False)
    search_index: Path | None = Field(
        None, description="folder of pages, or JSON file of them, that `local` searches"
    )
    model: str = Field("offline", min_length=1, description="`provider/model`, or `offline`")
    model_base_url: str | None = Field(
        None, description="OpenAI-compatible address; `model` is then the model's name there"
    )
    model_ca_file: Path | None = Field(
        None, description="file of the certificate authorities that the model's server has, alone"
    )
    model_api_key: str | None = Field(
        None, description="key for the model, instead of the provider's usual variable", repr=False
    )
    model_deadline_s: Seconds = Field(
        60.0, ge=0.001, description="seconds one model call may take, retried"
    )
    model_concurrency: int = Field(64, ge=1, le=10_000, description="model calls in flight at once")
    models: Path | None = Field(
        None, description="file of model routes; default: `models.toml` of the working folder"
    )
    record_prompts: bool = Field(
        default=True, description="whether prompts and answers go on record with each model call"
    )
    record_days: int = Field(
        14, ge=1, le=36_500, description="days for which the record of a model call is kept"
    )
    mirror: Annotated[str, AfterValidator(_valid_mirror)] | None = Field(
        None,
        description="address of a Redis or PostgreSQL that follows the newest states",
        repr=False,
    )
    mirror_prefix: str = Field(
        "reins/", max_length=100, description="before the keys of the mirror: one for each folder"
    )
    budget_day_tokens: int | None = Field(
        None, ge=0, description="tokens that all sessions together may take in a UTC day"
    )
    budget_day_cost_usd: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="US dollars that all sessions together may take in a UTC day",
    )

    def model_post_init(self, _context: object) -> None:
        """Secrets among them are removed from whatever the process says from now on."""
        redaction.know(self.token, self.model_api_key, self.search_key)
        redaction.know_address(self.model_base_url)
        redaction.know_address(self.search_url)

    @field_validator(
        "token", "model_base_url", "model_api_key", "search_url", "search_key", mode="before"
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None

    @field_validator("model_base_url", "search_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        return value


def load_settings(**flags: object) -> Settings:
    """Settings from the environment and `.env`, overridden by the flags that are not None.

    Raises: SettingsError naming each setting that is unknown or impossible.
    """
    env_file = Path(".env")
    redaction.know_environment(os.environ)  # before anything can be said about it
    _take_off_line_ends()
    _refuse_unknown(os.environ, "the environment")
    try:
        if env_file.is_file():
            _refuse_unknown(_keys_of(env_file), str(env_file))
        return Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [_problem(str(p["loc"][0]), p["input"], p["msg"]) for p in error.errors()]
        raise SettingsError("impossible setting:\n  " + "\n  ".join(lines)) from None
    except UnparsableSetting as error:
        # pydantic-settings quotes no value here, and names the field.
        raise SettingsError(f"impossible setting: {error}; lists are given as JSON") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file.absolute()} cannot be read: {error}") from None


def environment() -> dict[str, str]:
    """The environment over what `.env` in the working folder says, read anew each time.

    As with our own settings, an empty value counts as unset, and a line end after it is no part.

    Raises: SettingsError when the file cannot be read.
    """
    env_file = Path(".env")
    try:
        kept = _keys_of(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file.absolute()} cannot be read: {error}") from None
    found = {
        name: plain for name, value in kept.items() if (plain := (value or "").rstrip(LINE_END))
    }
    given = {name: value.rstrip(LINE_END) for name, value in os.environ.items()}
    return found | {name: value for name, value in given.items() if value or name not in found}


def _take_off_line_ends() -> None:
    """A file of variables that was written on Windows leaves a line end after each value."""
    for name, value in os.environ.items():
        if name.upper().startswith(PREFIX) and value != value.rstrip(LINE_END):
            os.environ[name] = value.rstrip(LINE_END)


def current_settings() -> Settings:
    """The settings, read again only when the environment or `.env` has changed.

    For helpers that are called often: reading costs a millisecond.
    """
    folder = os.getcwd()  # noqa: PTH109 - a path made anew costs what a commit does
    try:
        stat = os.stat(".env")  # noqa: PTH116
        stamp = (folder, stat.st_mtime_ns, stat.st_size)
    except OSError:
        stamp = (folder, 0, 0)
    # As Python keeps it, where it does: to decode each name takes a hundred times as long.
    given: Mapping[Any, Any] = getattr(os.environ, "_data", os.environ)
    return _current(_ours(tuple(given.items())), stamp)


@functools.lru_cache(maxsize=1)
def _ours(_environment: object) -> tuple[tuple[str, str], ...]:
    return tuple(item for item in os.environ.items() if item[0].upper().startswith(PREFIX))


@functools.lru_cache(maxsize=1)
def _current(_environment: object, _env_file: object) -> Settings:
    return load_settings()


def _problem(name: str, given: object, message: str) -> str:
    secret = any(part in name for part in ("key", "token", "url", "mirror"))  # with passwords
    return f"{PREFIX}{name.upper()}{'' if secret else f'={given!r}'}: {message}"


def _refuse_unknown(names: Mapping[str, object], where: str) -> None:
    known = {name.upper() for name in Settings.model_fields}
    for name in names:
        ours, _, rest = name.upper().partition(PREFIX)
        if not ours and rest and rest not in known:
            # Without the prefix, which would make anything look alike.
            close = difflib.get_close_matches(rest, known, n=1)
            all_names = ", ".join(PREFIX + other for other in sorted(known))
            hint = f"did you mean {PREFIX}{close[0]}?" if close else f"known: {all_names}"
            raise SettingsError(f"unknown setting {name} in {where}; {hint}")


def _keys_of(env_file: Path) -> Mapping[str, str | None]:
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is a .env

    found = dotenv_values(env_file)
    redaction.know_environment(found)
    return found
