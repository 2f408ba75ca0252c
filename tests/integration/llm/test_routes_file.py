"""models.toml: what it may say, and how it is told of its mistakes."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from reins.llm import ModelConfigError, ModelSettings
from reins.llm.routes.models_file import ModelsFile, RouteConfig, RouteEntry, config_from
from reins.llm.routes.opener import configured
from reins.llm.routes.providers import own_spec, plan
from reins.llm.settings import LEAST_S, LONGEST_S, MOST_AT_ONCE
from reins.settings import Settings

GOOD = """
default = "fast"

[agents]
persona = "slow"

[routes.fast]
provider = "openai"
model = "gpt-4o-mini"
temperature = 0.7
max_tokens = 500
deadline_s = 30
attempt_s = 10
attempts = 2
concurrency = 8
requests_per_minute = 500
tokens_per_minute = 200000
price_in = 0.15
price_out = 0.60
price_cached = 0.075
fallback = ["slow", "offline"]
breaker_failures = 3
breaker_rest_s = 1.5

[routes.slow]
provider = "compatible"
model = "m"
base_url = "http://localhost:1/v1"
key_env = "SLOW_KEY"
fallback = ["offline"]

[embeddings]
route = "words"
"""


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str, **given: object) -> RouteConfig:
        file = tmp_path / "models.toml"
        file.write_text(text)
        return configured(ModelSettings(models_file=file, **{"environ": {}, **given}))

    return read


def test_every_key_of_a_file_is_taken(read) -> None:
    """Every key is taken; chains follow the fallbacks of fallbacks, each route once."""
    config = read(GOOD)
    fast = config.routes["fast"]
    assert (fast.deadline_s, fast.attempt_s, fast.attempts, fast.concurrency) == (30, 10, 2, 8)
    assert (fast.requests_per_minute, fast.tokens_per_minute) == (500, 200_000)
    assert (fast.price_in, fast.price_out, fast.price_cached) == (0.15, 0.6, 0.075)
    assert (fast.breaker_failures, fast.breaker_rest_s) == (3, 1.5)
    assert (config.default, config.agents) == ("fast", {"persona": "slow"})
    assert config.chain("fast") == ("fast", "slow", "offline")
    assert config.chain("slow") == ("slow", "offline")
    assert config.embeddings is None


def test_the_client_has_temperature_and_limit(read) -> None:
    """They are options of the client, each under the provider's own name for them."""
    entry = '[routes.a]\nprovider = "{}"\nmodel = "m"\ntemperature = 0.7\nmax_tokens = 5\n'
    environ = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "GOOGLE_API_KEY": "k"}
    for provider, most in (
        ("openai", "max_completion_tokens 5"),
        ("anthropic", "max_tokens 5"),
        ("google", "maxOutputTokens 5"),
        ("ollama", "max_tokens 5"),
    ):
        source = plan(read(entry.format(provider)).routes["a"], environ).source
        assert "temperature 0.7" in source
        assert most in source


CIRCLE = """
default = 'a'
[routes]
a = { provider = 'offline', fallback = ['b'] }
b = { provider = 'offline', fallback = ['c'] }
c = { provider = 'offline', fallback = ['b'] }
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("routes = 3", r"models.toml: routes"),
        ("= 3", r"models.toml is not TOML.*line 1"),
        ("defualt = 'a'", r"models.toml: defualt is not known; did you mean default\?"),
        ("[routes.a]\nprovider='openai'\nmodel='m'\ntemprature=1", r"a.temprature.*temperature\?"),
        ("[routes.a]\nprovider='openai'\nmodel='m'\nxyzzy=1", r"xyzzy is not known; expected one"),
        ("[routes.a]\nmodel='m'", r"routes.a.provider is missing"),
        ("[routes.a]\nprovider='bard'\nmodel='m'", r"routes.a.provider is 'bard'.*'openai'"),
        ("[routes.a]\nprovider='openai'\nattempts=0", r"routes.a.attempts is 0: .*greater"),
        ("[routes.a]\nprovider='openai'\nattempts='4'", r"routes.a.attempts is '4'"),
        ("[routes.a]\nprovider='openai'\ndeadline_s=inf", r"routes.a.deadline_s is inf"),
        ("[routes.a]\nprovider='openai'\nprice_in=-1", r"routes.a.price_in is -1"),
        ("[routes.'a b']\nprovider='offline'", r"routes.a b: expected a name"),
        ("default='nope'\n[routes.a]\nprovider='offline'", r"default is 'nope'.*is not a route"),
        ("[agents]\njoke='b'\n[routes.bb]\nprovider='offline'", r"agents.joke is 'b'.*mean bb\?"),
        ("[routes.a]\nprovider='offline'\nfallback=['b']", r"routes.a.fallback is 'b'"),
        ("[routes.a]\nprovider='offline'\nfallback=['a']", r"back to itself: a -> a"),
        (
            CIRCLE,
            r"routes.b.fallback leads back to itself: b -> c -> b",
        ),
        ("[routes.a]\nprovider='offline'\n[routes.b]\nprovider='offline'", r"default is missing"),
        ("[embeddings]\nroute='wrods'", r"embeddings.route is 'wrods'.*mean words\?"),
        ("[embeddings]\nroute='a'\n[routes.a]\nprovider='google'\nmodel='m'", r"not asked for"),
        (
            "default='w'\n[routes.w]\nprovider='wordllama'",
            r"default is 'w', a route that only makes embed",
        ),
        ("[routes.a]\nprovider='openai'\nbase_url='k-secret'\nattempts=''", r"routes.a.attempts"),
        ("[routes.a]\nprovider='openai'\napi_key='k-secret'", r"routes.a.api_key: .*with key_env"),
        ("[routes.a]\nprovider='openai'\nkey_env='k-secret'", r"not the key itself"),
        ("[routes.a]\nprovider='openai'\nkey_env='hf_k_secret'", r"is not the name of a variable"),
        ("[routes.a]\nprovider='openai'\nkey_env='gsk_k0secret'", r"is not the name of a variable"),
        ("[routes.a]\nprovider='openai'\ndeadline_s=0.00001", r"routes.a.deadline_s is 1e-05"),
        ("[routes.a]\nprovider='openai'\nconcurrency=10001", r"routes.a.concurrency is 10001"),
        ("x = " + "[" * 5_000 + "]" * 5_000, r"models.toml is nested too deeply"),
        ("default" + ".a" * 5_000 + " = 1", r"models.toml is nested too deeply"),
        ("agents.a" + ".a" * 5_000 + " = 1", r"models.toml is nested too deeply"),
    ],
)
def test_mistakes_are_named(read, text: str, said: str) -> None:
    """File, key and what was expected; the closest name where a name is wrong."""
    with pytest.raises(ModelConfigError, match=said) as caught:
        read(text)
    assert "models.toml" in str(caught.value)
    assert not re.search("k.secret", str(caught.value))


def test_a_mark_of_bytes_at_the_start(tmp_path: Path) -> None:
    """Some editors begin a file with a BOM; it is not a part of it."""
    file = tmp_path / "models.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert configured(ModelSettings(models_file=file, environ={})).default == "fast"


def test_the_bounds_are_the_same_everywhere() -> None:
    """A limit that the settings or the file let through is not refused later."""
    for model, deadline, at_once in (
        (Settings, "model_deadline_s", "model_concurrency"),
        (RouteEntry, "deadline_s", "concurrency"),
    ):
        told = TypeAdapter(model).json_schema()["properties"]
        assert (told[deadline]["minimum"], told[deadline]["maximum"]) == (LEAST_S, LONGEST_S)
        assert (told[at_once]["minimum"], told[at_once]["maximum"]) == (1, MOST_AT_ONCE)


def test_all_mistakes_are_told_at_once(read) -> None:
    """Two mistakes need one round, not two."""
    with pytest.raises(ModelConfigError, match=r"(?s)routes.a.attempts.*routes.a.modle"):
        read("[routes.a]\nprovider='openai'\nmodle='m'\nattempts=0")


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("provider='openai'\nmodel='m'", {}, r"routes.a needs a key, and OPENAI_API_KEY"),
        ("provider='openai'\nmodel='m'\nkey_env='MINE'", {}, r"routes.a.*MINE is not set"),
        ("provider='openai'", {"OPENAI_API_KEY": "k"}, r"models.toml: routes.a.model is missing"),
        ("provider='compatible'\nmodel='m'", {}, r"models.toml: routes.a.base_url is missing"),
        ("provider='compatible'\nmodel='m'\nbase_url='x'", {}, r"routes.a.base_url is 'x'"),
        (
            "provider='openai'\nmodel='m'\nbase_url='http://x'",
            {"OPENAI_API_KEY": "k"},
            r"routes.a.key_env is missing.*OPENAI_API_KEY",
        ),
    ],
)
def test_what_a_route_lacks(read, text: str, environ: dict[str, str], said: str) -> None:
    """A route that cannot be opened says which key of the file, or which variable, is missing."""
    with pytest.raises(ModelConfigError, match=said):
        plan(read(f"[routes.a]\n{text}", environ=environ).routes["a"], environ)


def test_keys_come_from_their_variables(read) -> None:
    """The usual variable, another one, or none at all; a key is never in the file."""
    environ = {"OPENAI_API_KEY": "usual", "MINE": "mine"}

    def key_of(more: str) -> str | None:
        text = f"[routes.a]\nprovider='openai'\nmodel='m'\n{more}"
        return plan(read(text).routes["a"], environ).key

    assert key_of("") == "usual"
    assert key_of("key_env='MINE'") == "mine"
    assert key_of("key_env='MINE'\nbase_url='http://x'") == "mine"
    assert key_of("key_env=''\nbase_url='http://x'") is None


def test_the_default_is_the_only_route_or_the_one_named_so(read) -> None:
    """The only route; the one named default; or, of a file without routes, the settings' own."""
    assert read("[routes.a]\nprovider='offline'").default == "a"
    both = "[routes.default]\nprovider='offline'\n[routes.b]\nprovider='offline'"
    assert read(both).default == "default"
    own = read("", model="ollama/x")
    assert (own.default, own.routes["default"].model) == ("default", "x")
    assert configured(ModelSettings(environ={})).routes.keys() == {"default", "offline"}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that was named must be there."""
    with pytest.raises(ModelConfigError, match=r"nope.toml cannot be read"):
        configured(ModelSettings(models_file=tmp_path / "nope.toml", environ={}))


TOML_LIKE = st.recursive(
    st.text(max_size=5) | st.integers() | st.floats() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*ModelsFile.model_fields, *RouteEntry.model_fields, "a", "b"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(TOML_LIKE)
def test_any_file_is_taken_or_refused(found: object) -> None:
    """Whatever TOML holds, there is a config or an error that names the file."""
    own = own_spec(ModelSettings(environ={}))
    try:
        config = config_from({"routes": found, "default": "a"}, "models.toml", {}, own)
    except ModelConfigError as error:
        assert "models.toml" in str(error)  # noqa: PT017 - or there is none
    else:
        assert all(config.chain(name) for name in config.routes)
