"""Settings: each documented, a wrong one named, a secret never shown."""

import os
from pathlib import Path

import pytest

from reins.settings import Settings, SettingsError, current_settings, environment, load_settings


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    """No variables of ours and no `.env` but what a test makes."""
    for name in list(os.environ):
        if name.upper().startswith("REINS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name):
    """Each setting says what it is for, and a number in seconds says so."""
    described = Settings.model_fields[name].description
    assert described
    assert len(described) > 10
    if name.endswith("_s"):
        assert "second" in described


def test_defaults_are_valid_and_promised():
    """The defaults load, and those that are promised are what was promised."""
    settings = load_settings()
    assert (settings.heartbeat_s, settings.durable, settings.model) == (3.0, "power", "offline")
    assert (str(settings.data), settings.host, settings.port) == ("data", "127.0.0.1", 8700)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("REINS_HEARTBEATS", "did you mean REINS_HEARTBEAT_S?"),
        ("REINS_MODLE", "did you mean REINS_MODEL?"),
        ("reins_dta", "did you mean REINS_DATA?"),
        ("REINS_QQQ", "known: REINS_"),
    ],
)
def test_a_misspelt_variable_is_an_error_with_a_suggestion(monkeypatch, tmp_path, name, hint):
    """A misspelt setting is an error with a suggestion, in the environment and in `.env`."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert hint in str(caught.value)
    monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"{name}=1\n")
    with pytest.raises(SettingsError, match=r"in \.env"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTBEAT_S", "0"),
        ("HEARTBEAT_S", "-1"),
        ("HEARTBEAT_S", "nan"),
        ("HEARTBEAT_S", "inf"),
        ("HEARTBEAT_S", "soon"),
        ("PORT", "70000"),
        ("PORT", "http"),
        ("DOCUMENT_FOLDERS", '["library"]'),
        ("JITTER", "2"),
        ("DURABLE", "maybe"),
        ("MAX_FAILURES", "0"),
        ("PENDING_ROWS", "1"),
        ("LOG_LEVEL", "loud"),
        ("AGENT_MODULES", "[]"),
        ("AGENT_MODULES", "agents_impl"),
    ],
)
def test_an_impossible_value_is_named(monkeypatch, name, value):
    """The error names the setting; where the parser gives it, also the value."""
    monkeypatch.setenv(f"REINS_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert name.lower() in str(caught.value).lower()
    assert "impossible setting" in str(caught.value)


def test_all_wrong_settings_are_named_at_once(monkeypatch):
    """Two wrong settings are both in the message."""
    monkeypatch.setenv("REINS_PORT", "x")
    monkeypatch.setenv("REINS_JITTER", "9")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "REINS_PORT='x'" in str(caught.value)
    assert "REINS_JITTER='9'" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REINS_TOKEN", "s3cret"),
        ("REINS_MODEL_BASE_URL", "ftp://user:s3cret@host"),
    ],
)
def test_secrets_are_not_echoed(monkeypatch, name, value):
    """A wrong token, or an address with a password in it, is named and not shown."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_secrets_are_not_in_the_settings_text(monkeypatch):
    """Printing the settings shows neither token nor key."""
    monkeypatch.setenv("REINS_TOKEN", "s3cret-s3cret-s3cret")
    monkeypatch.setenv("REINS_MODEL_API_KEY", "s3cret-key")
    settings = load_settings()
    assert settings.model_api_key == "s3cret-key"
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)


def test_flags_win_over_environment_over_env_file(monkeypatch, tmp_path):
    """A flag wins over a variable, a variable over `.env`; a flag that is None is none."""
    (tmp_path / ".env").write_text("REINS_PORT=1\nREINS_HEARTBEAT_S=7\nOTHER_THING=1\n")
    assert (load_settings().port, load_settings().heartbeat_s) == (1, 7.0)
    monkeypatch.setenv("REINS_PORT", "2")
    assert load_settings(port=None).port == 2
    assert load_settings(port=3).port == 3


def test_an_empty_variable_is_unset(monkeypatch):
    """`REINS_DATA=` does not mean the working folder, nor is `REINS_TOKEN=` a token."""
    monkeypatch.setenv("REINS_DATA", "")
    monkeypatch.setenv("REINS_TOKEN", "")
    assert str(load_settings().data) == "data"
    assert load_settings().token is None


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_a_line_end_after_a_value_is_no_part_of_it(monkeypatch, end):
    """A file of variables that was written on Windows serves as any other, whichever setting."""
    written = {
        "DATA": "folder", "PORT": "1", "TOKEN": "a-long-enough-token", "DURABLE": "process",
        "MODEL": "openai/gpt", "MODEL_BASE_URL": "http://h/v1", "MODEL_API_KEY": "key",
        "HEARTBEAT_S": "7", "RECORD_PROMPTS": "false", "ALLOWED_HOSTS": '["h"]',
        "BUDGET_DAY_TOKENS": "5", "MODELS": "routes.toml", "LOG_LEVEL": "debug",
    }  # fmt: skip
    for name, value in written.items():
        monkeypatch.setenv(f"REINS_{name}", value + end)
    settings = load_settings()
    found = {name: getattr(settings, name.lower()) for name in written}
    assert found == {
        "DATA": Path("folder"), "PORT": 1, "TOKEN": "a-long-enough-token", "DURABLE": "process",
        "MODEL": "openai/gpt", "MODEL_BASE_URL": "http://h/v1", "MODEL_API_KEY": "key",
        "HEARTBEAT_S": 7.0, "RECORD_PROMPTS": False, "ALLOWED_HOSTS": ["h"],
        "BUDGET_DAY_TOKENS": 5, "MODELS": Path("routes.toml"), "LOG_LEVEL": "debug",
    }  # fmt: skip
    monkeypatch.setenv("OPENAI_API_KEY", "k" + end)
    assert environment()["OPENAI_API_KEY"] == "k"


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_a_value_of_a_line_end_alone_is_unset(monkeypatch, name):
    """A line `REINS_DATA=` of such a file does not mean the working folder."""
    usual = load_settings()
    monkeypatch.setenv(f"REINS_{name.upper()}", "\r")
    assert load_settings() == usual


def test_an_env_file_from_windows(tmp_path, monkeypatch):
    """The same in `.env`, where other programs' variables stand, too."""
    monkeypatch.delenv("ROUTE_KEY", raising=False)
    text = b"REINS_MODEL=openai/gpt\r\nROUTE_KEY=k\r\nREINS_PORT='8701'\r\nREINS_JITTER=\r\n"
    (tmp_path / ".env").write_bytes(text)
    settings = load_settings()
    assert (settings.model, settings.port, settings.jitter) == ("openai/gpt", 8701, 0.1)
    assert environment()["ROUTE_KEY"] == "k"


def test_other_programs_variables_stand_in_the_env_file_too(monkeypatch, tmp_path):
    """A provider's key may stand in `.env`; the environment goes first where it says anything."""
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("OTHER_KEY", "from the environment")
    assert environment()["OPENAI_API_KEY"] == ""
    (tmp_path / ".env").write_text("OPENAI_API_KEY=k\nOTHER_KEY=not this\nEMPTY=\nNOTHING\n")
    found = environment()
    assert (found["OPENAI_API_KEY"], found["OTHER_KEY"]) == ("k", "from the environment")
    assert found.keys().isdisjoint({"EMPTY", "NOTHING"})


def test_an_unreadable_env_file_is_named(tmp_path):
    """A `.env` that is no text is an error that names it."""
    (tmp_path / ".env").write_bytes(b"REINS_PORT=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load_settings()


def test_current_follows_environment_and_env_file(monkeypatch, tmp_path):
    """The settings that are kept are read again when a variable, `.env` or the folder changes."""
    first = current_settings()
    assert current_settings() is first
    monkeypatch.setenv("REINS_PORT", "1234")
    assert current_settings().port == 1234
    (tmp_path / ".env").write_text("REINS_HEARTBEAT_S=9\n")
    assert current_settings().heartbeat_s == 9
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert current_settings().heartbeat_s == 3
    monkeypatch.setenv("REINS_PROT", "1")
    with pytest.raises(SettingsError):
        current_settings()
