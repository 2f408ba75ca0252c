"""Turns a route's spec into what is compiled: BAML client source, and the values it names.

The source holds no text from the settings. Names, addresses and keys reach BAML through the
mapping beside it, so that there is nothing to escape and nothing secret to print.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reins import redaction
from reins.llm.errors import ModelConfigError
from reins.llm.routes.address import checked_address, has_password, without_secrets
from reins.llm.settings import (
    DEFAULT,
    LEAST_S,
    LONGEST_S,
    MOST_AT_ONCE,
    MOST_ATTEMPTS,
    OFFLINE,
    ModelSettings,
    Route,
    RouteSpec,
)
from reins.llm.wire.proxies import ProxyError, proxy_for
from reins.llm.wire.trust import NO_SOURCES, Trust, trust_of


@dataclass(frozen=True, slots=True)
class Provider:
    """The dialect of a provider.

    `most` names its limit of tokens, and `inside` the block of options that temperature and limit
    stand in, if any.
    """

    baml: str
    address: str
    key_variable: str | None
    most: str = "max_tokens"
    inside: str = ""


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(
        "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        most="max_completion_tokens",
    ),
    "anthropic": Provider("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    "google": Provider(
        "google-ai",
        "https://generativelanguage.googleapis.com/v1beta",
        "GOOGLE_API_KEY",
        most="maxOutputTokens",
        inside="generationConfig",
    ),
    "ollama": Provider("openai-generic", "http://localhost:11434/v1", None),
}
AUTHORIZED = {"openai", "openai-generic"}
"""BAML's providers that send the key where a password goes as well, in `Authorization`."""
CONSTRAINING = ("openai", "ollama", "compatible")
"""Providers whose requests may have a `response_format`."""
COMPATIBLE = Provider("openai-generic", "", None)


@dataclass(frozen=True, slots=True)
class Plan:
    """A route with the client source and the `env.X` values that it is compiled with.

    `trust` and `proxy` are how its address is reached.
    """

    route: Route
    source: str
    values: Mapping[str, str] = field(repr=False)
    trust: Trust = NO_SOURCES
    proxy: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The address with its password, if it has one."""
        return self.values["REINS_ROUTE_ADDRESS"]

    @property
    def key(self) -> str | None:
        return self.values.get("REINS_ROUTE_KEY")


def own_spec(settings: ModelSettings) -> RouteSpec:
    """The route that the settings make by themselves.

    Raises: ModelConfigError when they cannot make one.
    """
    provider, model = _own_model(settings)
    spec = RouteSpec(
        DEFAULT,
        provider,
        model,
        base_url=settings.base_url,
        ca_file=settings.ca_file,
        key=settings.api_key,
        deadline_s=settings.deadline_s,
        attempts=settings.attempts,
        concurrency=settings.concurrency,
    )
    check_limits(spec)
    return spec


def _own_model(settings: ModelSettings) -> tuple[str, str]:
    if settings.base_url is not None:
        if not settings.model.strip() or settings.model == OFFLINE:
            raise ModelConfigError(
                f"REINS_MODEL_BASE_URL is set, but REINS_MODEL is {settings.model!r}. "
                "Set REINS_MODEL to the model's name at that address."
            )
        return "compatible", settings.model
    if settings.model == OFFLINE:
        return OFFLINE, OFFLINE
    name, _, model = settings.model.partition("/")
    if name not in PROVIDERS or not model.strip():
        raise ModelConfigError(
            f"REINS_MODEL is {settings.model!r}; expected provider/model with one of "
            f"{', '.join(PROVIDERS)} as provider (such as openai/gpt-4o-mini), or offline. "
            "For another OpenAI-compatible server set REINS_MODEL_BASE_URL as well."
        )
    return name, model


def plan(spec: RouteSpec, environ: Mapping[str, str]) -> Plan:
    """The plan for any route but an offline one.

    Raises: ModelConfigError naming what the route lacks.
    """
    check_limits(spec)
    provider = PROVIDERS.get(spec.provider, COMPATIBLE)
    if not spec.model.strip():
        raise ModelConfigError(f"{spec.called('model')} is missing: name the provider's model.")
    if provider.baml == "google-ai" and any(c in "?#%\\" or c <= " " for c in spec.model):
        raise ModelConfigError(
            f"{spec.called('model')} is {spec.model!r}; a Google model's name becomes part of the "
            "address and cannot hold white space or any of ? # % \\. Check the name."
        )
    redaction.know_address(spec.base_url)
    address = checked_address(spec, provider.address)
    key = checked_key(spec, find_key(spec, provider, environ))
    if key is not None and provider.baml in AUTHORIZED and has_password(address):
        raise ModelConfigError(
            f"{spec.called('base_url')} holds a user or password, and there is a key as well; a "
            "request can carry only one of them. Take one out."
        )
    route = Route(spec.provider, spec.model, without_secrets(address))
    source = client_source(provider, spec, keyed=key is not None)
    given = values(route, key) | {"REINS_ROUTE_ADDRESS": address}
    try:
        proxy = proxy_for(address, environ)
    except ProxyError as error:
        raise ModelConfigError(f"Route {spec.name} cannot be reached: {error}") from None
    redaction.know_address(proxy)
    trust = trust_of(spec.ca_file, spec.called("ca_file"), environ)
    return Plan(route, source, given, trust, proxy)


def plan_offline(spec: RouteSpec, *, address: str, token: str) -> Plan:
    """The plan for a route to the offline model that listens at `address`."""
    check_limits(spec)
    route = Route(OFFLINE, OFFLINE, address, demonstration=True)
    return Plan(route, client_source(COMPATIBLE, spec, keyed=True), values(route, token))


def values(route: Route, key: str | None) -> dict[str, str]:
    redaction.know(key)  # every key that is ever sent passes here
    given = {"REINS_ROUTE_ADDRESS": route.address, "REINS_ROUTE_MODEL": route.model}
    return given if key is None else given | {"REINS_ROUTE_KEY": key}


def client_source(provider: Provider, spec: RouteSpec, *, keyed: bool) -> str:
    """The source that replaces baml_src/clients.baml at run time."""
    further = _sampling(provider, spec)
    source = _client("Route", provider, further, keyed=keyed)
    if provider.baml == "openai-generic":
        # Its streams count no tokens without this, and a plain call with it is refused by some.
        counted = [*further, "stream_options { include_usage true }"]
        source += _client("RouteStreamed", provider, counted, keyed=keyed)
    return source


def _client(name: str, provider: Provider, further: list[str], *, keyed: bool) -> str:
    # Without a key the line is left out: an empty one would be sent as a bare "Bearer".
    lines = "\n    ".join(["api_key env.REINS_ROUTE_KEY"] * keyed + further)
    return f"""client<llm> {name} {{
  provider {provider.baml}
  options {{
    base_url env.REINS_ROUTE_ADDRESS
    model env.REINS_ROUTE_MODEL
    {lines}
  }}
}}
"""


def _sampling(provider: Provider, spec: RouteSpec) -> list[str]:
    """The lines of temperature and limit, both numbers that were checked."""
    lines = []
    if spec.temperature is not None:
        lines.append(f"temperature {float(spec.temperature):f}")
    if spec.max_tokens is not None:
        lines.append(f"{provider.most} {int(spec.max_tokens)}")
    if lines and provider.inside:
        return [f"{provider.inside} {{", *(f"  {line}" for line in lines), "}"]
    return lines


def find_key(spec: RouteSpec, provider: Provider, environ: Mapping[str, str]) -> str | None:
    """The key, from where it was said to be, or from the provider's usual variable.

    A provider's usual key goes to the provider's own address alone, unless the file says so.
    """
    if spec.key_env is not None or spec.file:
        return _file_key(spec, provider, environ)
    if provider.key_variable is None:
        return spec.key
    key = spec.key or environ.get(provider.key_variable)
    if not key or not key.strip():
        raise ModelConfigError(
            f"REINS_MODEL is {spec.provider}/{spec.model}, which needs a key, and none is set. "
            f"Set {provider.key_variable}, or REINS_MODEL_API_KEY."
        )
    return key


def _file_key(spec: RouteSpec, provider: Provider, environ: Mapping[str, str]) -> str | None:
    variable = spec.key_env
    if variable is None:
        variable = provider.key_variable
        if variable is not None and spec.base_url is not None:
            raise ModelConfigError(
                f"{spec.called('key_env')} is missing: with a base_url of its own, {variable} is "
                'not sent there by itself. Name the variable with the key, or "" for none.'
            )
    if not variable:
        return None
    key = environ.get(variable)
    if not key or not key.strip():
        raise ModelConfigError(
            f"{spec.file}: routes.{spec.name} needs a key, and {variable} is not set. "
            "Set it, or name another variable with key_env."
        )
    return key


def checked_key(spec: RouteSpec, key: str | None) -> str | None:
    key = (key or "").strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable():
        where = f" ({spec.file}: routes.{spec.name})" if spec.file else ""
        raise ModelConfigError(
            f"The model's key{where} holds characters that no HTTP header can carry (not printable "
            "ASCII). Copy it again."
        )
    return key


def check_constraint(spec: RouteSpec) -> None:
    """Raises: ModelConfigError for a `json_schema` of a provider that does not know it."""
    if spec.json_schema is not None and spec.provider not in CONSTRAINING:
        raise ModelConfigError(
            f"{spec.called('json_schema')} is {spec.json_schema!r}, but {spec.provider} takes no "
            f"response_format. Take it out; it is for {', '.join(CONSTRAINING)}."
        )


def check_limits(spec: RouteSpec) -> None:
    limits = {
        "deadline_s": (spec.deadline_s, LEAST_S, LONGEST_S),
        "attempts": (spec.attempts, 1, MOST_ATTEMPTS),
        "concurrency": (spec.concurrency, 1, MOST_AT_ONCE),
    }
    for name, (given, least, most) in limits.items():
        if not least <= given <= most:
            raise ModelConfigError(
                f"{spec.called(name)} is {given}; expected {least:g} to {most:g}."
            )
