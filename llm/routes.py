"""From settings to a compiled route's ingredients: BAML client source, and the values it names.

The source holds no value from the settings. Names, addresses and keys reach BAML through the
mapping beside it, so that there is nothing to escape and nothing secret to print.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from llm.errors import ModelConfigError
from llm.settings import ModelSettings, Route

CONNECT_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider is spoken to. `denied` are finish reasons that are no answer."""

    baml: str
    address: str
    key_variable: str | None
    denied: tuple[str, ...]


OPENAI_DENIED = ("length", "content_filter")

PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", OPENAI_DENIED),
    "anthropic": Provider(
        "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", ("max_tokens", "refusal")
    ),
    "google": Provider(
        "google-ai",
        "https://generativelanguage.googleapis.com/v1beta",
        "GOOGLE_API_KEY",
        ("MAX_TOKENS", "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
    ),
    "ollama": Provider("openai-generic", "http://localhost:11434/v1", None, OPENAI_DENIED),
}
COMPATIBLE = Provider("openai-generic", "", None, OPENAI_DENIED)


@dataclass(frozen=True, slots=True)
class Plan:
    """A route with the client source and the `env.X` values that it is compiled with."""

    route: Route
    source: str
    values: Mapping[str, str] = field(repr=False)


def is_offline(settings: ModelSettings) -> bool:
    return settings.base_url is None and settings.model == "offline"


def plan(settings: ModelSettings) -> Plan:
    """The plan for any route but the offline one.

    Raises: ModelConfigError when the settings cannot make a route.
    """
    check_limits(settings)
    if settings.base_url is not None:
        if not settings.model.strip() or settings.model == "offline":
            raise ModelConfigError(
                f"REINS_MODEL_BASE_URL is set, but REINS_MODEL is {settings.model!r}. "
                "Set REINS_MODEL to the model's name at that address."
            )
        address = checked_address(settings.base_url)
        return assemble(
            settings, "compatible", COMPATIBLE, settings.model, address, key=settings.api_key
        )
    name, _, model = settings.model.partition("/")
    provider = PROVIDERS.get(name)
    if provider is None or not model.strip():
        raise ModelConfigError(
            f"REINS_MODEL is {settings.model!r}; expected provider/model with one of "
            f"{', '.join(PROVIDERS)} as provider (such as openai/gpt-4o-mini), or offline. "
            "For another OpenAI-compatible server set REINS_MODEL_BASE_URL as well."
        )
    return assemble(
        settings, name, provider, model, provider.address, key=provider_key(settings, provider)
    )


def plan_offline(settings: ModelSettings, *, address: str, token: str) -> Plan:
    """The plan for the offline model that listens at `address`."""
    check_limits(settings)
    route = Route("offline", "offline", address, demonstration=True)
    return Plan(route, client_source(COMPATIBLE, settings, keyed=True), values(route, token))


def assemble(
    settings: ModelSettings,
    name: str,
    provider: Provider,
    model: str,
    address: str,
    *,
    key: str | None,
) -> Plan:
    if provider.baml == "google-ai" and any(c in "?#%\\" or c <= " " for c in model):
        raise ModelConfigError(
            f"REINS_MODEL is {settings.model!r}; a Google model's name becomes part of the address "
            "and cannot hold white space or any of ? # % \\. Check the name."
        )
    key = checked_key(key)
    route = Route(name, model, without_secrets(address))
    source = client_source(provider, settings, keyed=key is not None)
    return Plan(route, source, values(route, key) | {"REINS_ROUTE_ADDRESS": address})


def values(route: Route, key: str | None) -> dict[str, str]:
    given = {"REINS_ROUTE_ADDRESS": route.address, "REINS_ROUTE_MODEL": route.model}
    return given if key is None else given | {"REINS_ROUTE_KEY": key}


def client_source(provider: Provider, settings: ModelSettings, *, keyed: bool) -> str:
    """What stands in for baml_src/clients.baml at run time."""
    denied = ", ".join(f'"{reason}"' for reason in provider.denied)
    # Without a key the line is left out: an empty one would be sent as a bare "Bearer".
    key_line = "\n    api_key env.REINS_ROUTE_KEY" if keyed else ""
    # The deadline of a call is kept above BAML; the limit here only backs it.
    return f"""client<llm> Route {{
  provider {provider.baml}
  options {{
    base_url env.REINS_ROUTE_ADDRESS
    model env.REINS_ROUTE_MODEL{key_line}
    finish_reason_deny_list [{denied}]
    http {{
      enable_connection_pooling true
      connect_timeout_ms {CONNECT_TIMEOUT_MS}
      request_timeout_ms {math.ceil(settings.deadline_s * 1000) + 1000}
    }}
  }}
}}
"""


def provider_key(settings: ModelSettings, provider: Provider) -> str | None:
    if provider.key_variable is None:
        return settings.api_key
    key = settings.api_key or settings.environ.get(provider.key_variable)
    if not key or not key.strip():
        raise ModelConfigError(
            f"REINS_MODEL is {settings.model!r}, which needs a key, and none is set. "
            f"Set {provider.key_variable}, or REINS_MODEL_API_KEY."
        )
    return key


def checked_key(key: str | None) -> str | None:
    key = (key or "").strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable():
        raise ModelConfigError(
            "The model's key holds characters that no HTTP header can carry (not printable ASCII). "
            "Copy it again."
        )
    return key


def checked_address(given: str) -> str:
    address = given.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0) and address.isprintable()
    except ValueError:
        usable = False
    if not usable or " " in address or parts.query or parts.fragment:
        raise ModelConfigError(
            f"REINS_MODEL_BASE_URL is {without_secrets(given)!r}; expected an http or https "
            "address without query, such as http://localhost:8000/v1."
        )
    return address


def without_secrets(address: str) -> str:
    """The address without user, password, query and fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "(not an address)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def check_limits(settings: ModelSettings) -> None:
    limits = {
        "deadline_s": (settings.deadline_s, 0.001, 86_400),
        "attempts": (settings.attempts, 1, 100),
        "concurrency": (settings.concurrency, 1, 100_000),
    }
    for name, (given, least, most) in limits.items():
        if not least <= given <= most:
            raise ModelConfigError(f"{name} is {given}; expected {least} to {most}.")
