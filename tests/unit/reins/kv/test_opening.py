"""Addresses of stores: what they open, and what they never show."""

from pathlib import Path

import pytest

from reins import redaction
from reins.kv import KVError, open_kv
from reins.kv.address import Address
from reins.kv.files import file_name
from reins.kv.limits import end_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory:", "MemoryKV()"),
        ("json:/a/b", "JsonFilesKV('/a/b')"),
        ("json:///a/b", "JsonFilesKV('/a/b')"),
        ("sqlite:/a/b.db", "SqliteKV('/a/b.db')"),
        ("sqlite:rows.db", f"SqliteKV('{Path.cwd()}/rows.db')"),
        ("redis://localhost", "RedisKV('redis://localhost')"),
        ("redis://:hunter22@h:1/2", "RedisKV('redis://h:1/2')"),
        ("redis://hunter22@h:1/2", "RedisKV('redis://h:1/2')"),
        ("rediss://u:hunter22@h/0?ssl_ca_certs=x", "RedisKV('rediss://h/0')"),
        ("postgresql://u:hunter22@h:5/d", "PostgresKV('postgresql://h:5/d')"),
        ("postgres://u@h/d?password=hunter22", "PostgresKV('postgres://h/d')"),
        ("postgresql://u:hunter22@h1:1,h2:2/d", "PostgresKV('postgresql://h1:1,h2:2/d')"),
        ("postgresql:///d?host=/tmp", "PostgresKV('postgresql:///d')"),
    ],
)
def test_a_store_by_its_address(url, shown):
    """Nothing is opened yet, and no password is shown; it is a secret from now on."""
    assert repr(open_kv(url)) == shown
    if "hunter22" in url:
        assert "hunter22" not in redaction.text("it is hunter22 here")


@pytest.mark.parametrize(
    "url",
    [
        "", "memory", "memory:x", "json:", "sqlite:", "mysql://u:hunter22@h/d", "u:hunter22@h",
        "redis://u:hunter/22@h/0", "postgresql://u:hun#ter22@h/d", "postgresql://u:hunter?22@h/d",
        "redis://u:hunter22@[h/0", "hunter22",
    ],
)  # fmt: skip
def test_what_is_no_address(url):
    """It is refused without being shown."""
    with pytest.raises(KVError, match="address") as told:
        open_kv(url)
    assert "hun" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_time_that_is_none():
    """Waiting has to be bounded, and possible."""
    with pytest.raises(KVError, match="timeout_s is 0"):
        open_kv("memory:", timeout_s=0)


def test_the_words_of_a_driver():
    """Without the password, as it is meant and as it is written; in one line."""
    address = Address.read("postgresql://u:a%2Fb@h/d?sslpassword=zzz")
    assert address.without_secrets("a/b, a%2Fb\n\t and zzz.") == "***, *** and ***"
    assert "a/b" not in repr(address)
    assert "a%2Fb" not in repr(address)


def test_the_end_of_a_prefix():
    """The least text after all that begin with it: never a surrogate, nothing after the last."""
    assert end_of("a") == "b"
    assert end_of("a\U0010ffff") == "b"
    assert end_of("\ud7ff") == "\ue000"
    assert end_of("\uffff") == "\U00010000"
    assert end_of("") is None
    assert end_of("\U0010ffff\U0010ffff") is None


def test_file_names():
    """Short, of few signs, never hidden, and different where file systems ignore case."""
    names = {
        file_name(key).lower() for key in ("a", "A", "..", "/", "a/b", "a-b", "é", "è", "x" * 1024)
    }
    assert len(names) == 9
    for name in names:
        assert len(name) < 128
        assert name[0] not in ".-"
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")
