"""Settings become routes, or one clear error; no value of theirs enters the client source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins.llm import ModelConfigError, ModelSettings, Route
from reins.llm.routes import providers as routes
from reins.llm.routes.providers import Plan, own_spec
from reins.llm.settings import RouteSpec

KEYS = {"OPENAI_API_KEY": "k-openai", "ANTHROPIC_API_KEY": "k-anthropic", "GOOGLE_API_KEY": "k-g"}
HOSTILE = 'a"b\nc#"#{{ env.HOME }}\\ 😀 }\n}'


def settings(**given: object) -> ModelSettings:
    return ModelSettings(**{"environ": KEYS, **given})


def plan(given: ModelSettings) -> Plan:
    return routes.plan(own_spec(given), given.environ)


@pytest.mark.parametrize(
    ("model", "provider", "key"),
    [
        ("openai/gpt-4o-mini", "openai", "k-openai"),
        ("anthropic/claude-x", "anthropic", "k-anthropic"),
        ("google/gemini-x", "google-ai", "k-g"),
        ("ollama/llama3:8b", "openai-generic", None),
    ],
)
def test_each_provider_has_its_client_and_its_own_key(
    model: str, provider: str, key: str | None
) -> None:
    """A provider's name picks BAML's provider and that provider's key, and no other's."""
    made = plan(settings(model=model))
    assert f"provider {provider}\n" in made.source
    assert made.values.get("REINS_ROUTE_KEY") == key
    assert made.route.model == model.partition("/")[2]


@pytest.mark.parametrize(
    ("given_model", "variable"),
    [("openai/x", "OPENAI_API_KEY"), ("anthropic/x", "ANTHROPIC_API_KEY")],
)
def test_a_missing_key_names_the_variables(given_model: str, variable: str) -> None:
    """Without a key the error says which two variables would give one."""
    with pytest.raises(ModelConfigError, match=f"{variable}, or REINS_MODEL_API_KEY"):
        plan(settings(model=given_model, environ={}))


@pytest.mark.parametrize("model", ["", "gpt-4o", "openai/", "bard/x", "/x", "Offline"])
def test_an_unknown_model_is_refused(model: str) -> None:
    """What is neither provider/model nor offline is refused, with what was given."""
    with pytest.raises(ModelConfigError, match="expected provider/model"):
        plan(settings(model=model))


@pytest.mark.parametrize(
    "address", ["", "localhost:8000", "ftp://x/v1", "http://", "http://x:99999/", "http://x/v1?k=1"]
)
def test_an_impossible_address_is_refused(address: str) -> None:
    """Only an http or https address with a host, and without a query, is taken."""
    with pytest.raises(ModelConfigError, match="REINS_MODEL_BASE_URL"):
        plan(settings(model="m", base_url=address))


def test_the_given_key_wins_and_a_foreign_address_gets_no_provider_key() -> None:
    """REINS_MODEL_API_KEY goes first; OPENAI_API_KEY is never sent to another address."""
    assert plan(settings(model="openai/x", api_key="mine")).values["REINS_ROUTE_KEY"] == "mine"
    foreign = plan(settings(model="openai/x", base_url="http://x/v1"))
    assert "REINS_ROUTE_KEY" not in foreign.values
    assert "api_key" not in foreign.source
    assert foreign.route.model == "openai/x", "taken as it stands"


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "a\0"])
def test_a_key_that_no_header_can_carry_is_refused_unquoted(key: str) -> None:
    """A broken key is an error at start, and the error does not repeat it."""
    with pytest.raises(ModelConfigError) as caught:
        plan(settings(model="openai/x", api_key=key))
    assert key not in str(caught.value)


@given(model=st.text(min_size=1).filter(str.strip).filter(lambda m: m != "offline"))
def test_the_source_does_not_depend_on_the_model_name(model: str) -> None:
    """Any name gives the same source: nothing can break out of it."""
    first = plan(settings(model=model, base_url="http://x/v1", api_key="secret"))
    assert first.source == plan(settings(model="m", base_url="http://y", api_key="k")).source
    assert first.values["REINS_ROUTE_MODEL"] == model


def test_no_secret_shows() -> None:
    """Keys and passwords are in no repr, route or source."""
    for secret in (
        {"base_url": "http://me:s3cret@x/v1"},
        {"base_url": "http://x", "api_key": "s3cret"},
    ):
        given = settings(model=HOSTILE, **secret)
        made = plan(given)
        for shown in (repr(given), repr(made), str(made.route), repr(made.route), made.source):
            assert "s3cret" not in shown
            assert "k-openai" not in shown


@pytest.mark.parametrize(
    "address",
    [
        "u:PWSECRET@127.0.0.1/v1",
        "http:/u:PWSECRET@127.0.0.1/v1",
        "http://u:PWSECRET/x@127.0.0.1/v1",
        "http://u:12/PWSECRET@127.0.0.1/v1",
        "http://u:PWSECRET@127.0.0.1:99999/v1",
        "http://u:PW@SECRET@127.0.0.1 /v1",
        "127.0.0.1/v1?key=PWSECRET",
        "sk-PWSECRETPWSECRETPWSECRET",
    ],
)
def test_what_is_no_address_is_quoted_without_its_secrets(address: str) -> None:
    """A password stays out of the error wherever the address is broken."""
    with pytest.raises(ModelConfigError, match="expected an http or https address") as caught:
        plan(settings(model="m", base_url=address))
    assert "SECRET" not in str(caught.value)


def test_a_password_beside_a_key_is_refused() -> None:
    """Both would be sent as the same header; where they are not, both may be given."""
    address = "http://u:PWSECRET@x/v1"
    with pytest.raises(ModelConfigError, match="holds a user or password") as caught:
        plan(settings(model="m", base_url=address, api_key="KEYSECRET"))
    assert "SECRET" not in str(caught.value)
    spec = RouteSpec("a", "anthropic", "m", file="f", base_url=address, key_env="K")
    assert routes.plan(spec, {"K": "k"}).key == "k"


@pytest.mark.parametrize(
    "limits",
    [
        {"deadline_s": 0},
        {"deadline_s": 0.00001},
        {"deadline_s": float("nan")},
        {"attempts": 0},
        {"concurrency": 0},
        {"concurrency": 10_001},
    ],
)
def test_impossible_limits_are_refused(limits: dict[str, float]) -> None:
    """A limit that would let no call through is an error, for every route."""
    named = f"(?i){next(iter(limits))} is .*; expected"
    with pytest.raises(ModelConfigError, match=named):
        plan(settings(model="openai/x", **limits))
    with pytest.raises(ModelConfigError, match=named):
        own_spec(settings(**limits))


def test_a_google_name_cannot_leave_its_path() -> None:
    """Google's model name is part of the URL, so that a name with URL syntax is refused."""
    with pytest.raises(ModelConfigError, match="Google"):
        plan(settings(model="google/x?y"))


def test_the_demonstration_says_so() -> None:
    """A route to the offline model calls itself a demonstration."""
    assert "demonstration" in str(Route("offline", "offline", "http://x", demonstration=True))
