"""models.toml: routes by name, the agents that use them, and their fallbacks."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reins import redaction
from reins.llm.errors import ModelConfigError
from reins.llm.settings import (
    DEFAULT,
    LEAST_S,
    LONGEST_S,
    MOST_AT_ONCE,
    MOST_ATTEMPTS,
    OFFLINE,
    WORDLLAMA,
    Constraint,
    RouteSpec,
)

WORDS = "words"
"""The route to the embedded model of words, known without being named in the file."""

MAX_ROUTES = 64

KEYS = frozenset({"api_key", "key", "token", "secret", "password"})
"""Likely names of a key that somebody put into the file."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Seconds = Annotated[float, Field(ge=LEAST_S, le=LONGEST_S, allow_inf_nan=False)]
Rate = Annotated[int, Field(ge=1, le=1_000_000_000)]
Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Provider = Literal["openai", "anthropic", "google", "ollama", "compatible", "offline", "wordllama"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RouteEntry(_Strict):
    """One `[routes.name]`."""

    provider: Provider
    model: str = Field("", max_length=500)
    base_url: str | None = None
    ca_file: Annotated[str, Field(min_length=1)] | None = None
    key_env: Annotated[str, Field(pattern=r"^([A-Z_][A-Z0-9_]{0,199})?$")] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    deadline_s: Seconds = 60.0
    attempt_s: Seconds | None = None
    attempts: int = Field(4, ge=1, le=MOST_ATTEMPTS)
    concurrency: int = Field(64, ge=1, le=MOST_AT_ONCE)
    requests_per_minute: Rate | None = None
    tokens_per_minute: Rate | None = None
    price_in: Price = 0.0
    price_out: Price = 0.0
    price_cached: Price | None = None
    fallback: list[str] = Field([], max_length=MAX_ROUTES)
    breaker_failures: int = Field(5, ge=1, le=1_000_000)
    breaker_rest_s: Seconds = 30.0
    json_schema: Constraint | None = None


class EmbeddingsEntry(_Strict):
    """`[embeddings]`."""

    route: str = WORDS


class ModelsFile(_Strict):
    """The whole file."""

    default: str | None = None
    agents: dict[str, str] = {}
    routes: dict[Name, RouteEntry] = Field({}, max_length=MAX_ROUTES)
    embeddings: EmbeddingsEntry = EmbeddingsEntry()


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """Every configured route, and who uses which. `embeddings` None: the built-in one."""

    routes: Mapping[str, RouteSpec]
    default: str
    agents: Mapping[str, str]
    embeddings: str | None = None

    @property
    def answering(self) -> set[str]:
        """The routes that answer calls, not only make embeddings."""
        used = {self.default, *self.agents.values()}
        return used.union(*(spec.fallback for spec in self.routes.values()))

    def chain(self, name: str) -> tuple[str, ...]:
        """A route and all of its fallbacks, in the order in which they are tried."""
        found: dict[str, None] = {}

        def visit(each: str) -> None:
            if each not in found:
                found[each] = None
                for other in self.routes[each].fallback:
                    visit(other)

        visit(name)
        return tuple(found)


def read_config(path: Path, environ: Mapping[str, str], own: RouteSpec) -> RouteConfig:
    """The routes of a file. `own` is the settings' route, which serves where the file has none.

    Raises: ModelConfigError naming the file, the key, and what was expected there.
    """
    return config_from(_parse(path), path.name, environ, own)


def config_from(
    found: object, file: str, environ: Mapping[str, str], own: RouteSpec
) -> RouteConfig:
    """The routes of a file that was parsed.

    Raises: as `read_config`.
    """
    try:
        given = _checked(found, file)
    except RecursionError:  # a mistake is told with what was given, which may be nested anyhow
        raise _too_deep(file) from None
    routes = {name: _spec(file, name, entry, environ) for name, entry in given.routes.items()}
    # The demonstration is always at hand, and needs no entry.
    routes.setdefault(OFFLINE, offline_spec())
    default = _default(file, given, routes, own)
    if default == own.name:
        routes[own.name] = own
    for agent_type, name in given.agents.items():
        _check_known(f"{file}: agents.{agent_type}", name, routes)
    _check_fallbacks(file, routes)
    return RouteConfig(routes, default, dict(given.agents), _embeddings(file, given, routes))


def own_config(own: RouteSpec) -> RouteConfig:
    """The routes where there is no file."""
    return RouteConfig({own.name: own, OFFLINE: offline_spec()}, own.name, {})


def offline_spec() -> RouteSpec:
    return RouteSpec(OFFLINE, OFFLINE, OFFLINE)


def _parse(path: Path) -> object:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelConfigError(f"The models file {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ModelConfigError(f"{path.name} is not TOML: {error}.") from None
    except RecursionError:
        raise _too_deep(path.name) from None


def _too_deep(file: str) -> ModelConfigError:
    return ModelConfigError(f"{file} is nested too deeply; expected tables of routes.")


def _checked(found: object, file: str) -> ModelsFile:
    try:
        return ModelsFile.model_validate(found)
    except ValidationError as error:
        problems = "\n  ".join(_problem(file, each) for each in error.errors())
        raise ModelConfigError(f"The models file cannot be used:\n  {problems}") from None


def _problem(file: str, error: Any) -> str:
    where = [str(part) for part in error["loc"] if part != "[key]"]
    shown = f"{file}: {'.'.join(where)}"
    if error["type"] == "extra_forbidden":
        if where[-1] in KEYS:
            return f"{shown}: a key does not belong in the file; name its variable with key_env"
        known = _known_keys(where)
        return f"{shown} is not known; {_meant(where[-1], known)}"
    if error["type"] == "missing":
        return f"{shown} is missing"
    if error["type"] == "string_pattern_mismatch" and where[-1] == "key_env":
        return (
            f"{shown} is not the name of a variable; expected capital letters, digits and _, "
            "not the key itself"
        )
    if error["type"] == "string_pattern_mismatch":
        return f"{shown}: expected a name of letters, digits, _, . and -, at most 64"
    # A key written where an address belongs must not be repeated.
    quoted = "" if where[-1] in {"base_url", "key_env"} else f" is {error['input']!r}"
    return f"{shown}{quoted[:200]}: {error['msg']}"


def _known_keys(where: list[str]) -> list[str]:
    model: type[BaseModel] = ModelsFile
    match where:
        case ["routes", _, _]:
            model = RouteEntry
        case ["embeddings", _]:
            model = EmbeddingsEntry
    return list(model.model_fields)


def _meant(given: str, known: "list[str]") -> str:
    close = difflib.get_close_matches(given, known, n=1)
    return f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"


def _spec(file: str, name: str, entry: RouteEntry, environ: Mapping[str, str]) -> RouteSpec:
    plain = {each.name for each in fields(RouteSpec)} & RouteEntry.model_fields.keys()
    given = {key: getattr(entry, key) for key in plain}
    if entry.provider == OFFLINE:
        given["model"] = OFFLINE
    key = environ.get(entry.key_env) if entry.key_env else None
    redaction.know(key)  # a route that nobody uses yet has its key in our environment, too
    redaction.know_address(entry.base_url)
    return RouteSpec(
        **given | {"name": name, "file": file, "key": key, "fallback": tuple(entry.fallback)}
    )


def _default(file: str, given: ModelsFile, routes: Mapping[str, RouteSpec], own: RouteSpec) -> str:
    if given.default is not None:
        _check_known(f"{file}: default", given.default, routes)
        return given.default
    match list(given.routes):
        case []:
            return own.name
        case [only]:
            return only
        case several:
            if DEFAULT in several:
                return DEFAULT
            raise ModelConfigError(
                f"{file}: default is missing; expected one of {', '.join(several)}."
            )


def _check_known(where: str, name: str, routes: Mapping[str, RouteSpec]) -> None:
    if name not in routes:
        raise ModelConfigError(
            f"{where} is {name!r}, which is not a route; {_meant(name, list(routes))}"
        )
    if routes[name].provider == WORDLLAMA:
        raise ModelConfigError(
            f"{where} is {name!r}, a route that only makes embeddings. Name another route."
        )


def _check_fallbacks(file: str, routes: Mapping[str, RouteSpec]) -> None:
    for spec in routes.values():
        for name in spec.fallback:
            _check_known(f"{file}: routes.{spec.name}.fallback", name, routes)
    done: set[str] = set()
    for name in routes:
        for circle in _circles(name, routes, (), done):
            raise ModelConfigError(
                f"{file}: routes.{circle[0]}.fallback leads back to itself: "
                f"{' -> '.join(circle)}. Take one of them out."
            )


def _circles(
    name: str, routes: Mapping[str, RouteSpec], path: tuple[str, ...], done: set[str]
) -> Iterator[tuple[str, ...]]:
    if name in path:
        yield (*path[path.index(name) :], name)
    elif name not in done:
        for other in routes[name].fallback:
            yield from _circles(other, routes, (*path, name), done)
        done.add(name)


def _embeddings(file: str, given: ModelsFile, routes: Mapping[str, RouteSpec]) -> str | None:
    name = given.embeddings.route
    if name not in routes:
        if name == WORDS:
            return None
        raise ModelConfigError(
            f"{file}: embeddings.route is {name!r}, which is not a route; "
            f"{_meant(name, [*routes, WORDS])}"
        )
    if routes[name].provider in {"anthropic", "google", OFFLINE}:
        raise ModelConfigError(
            f"{file}: embeddings.route is {name!r}, whose provider {routes[name].provider} is not "
            "asked for embeddings; expected one of openai, compatible, ollama or wordllama."
        )
    return name


def default_file() -> Path | None:
    """`models.toml` in the working folder, if it is there."""
    path = Path("models.toml")
    return path.absolute() if path.exists() else None
