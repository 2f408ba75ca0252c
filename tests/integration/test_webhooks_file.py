"""webhooks.json: who is called for what, and what is refused."""

import json

import pytest

from reins.webhooks import config
from reins.webhooks.config import KINDS, WebhookConfigError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw"


@pytest.fixture
def read(tmp_path, monkeypatch):
    def reading(given, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "webhooks.json"
        path.write_text(given if isinstance(given, str) else json.dumps({"webhooks": given}))
        return config.read(path)

    return reading


def test_the_file_says_who_is_called_for_what(read):
    """Secrets from the environment, other words for kinds, and what is called for by default."""
    found = read(
        {
            "ops": {"url": "http://127.0.0.1:9/hook/abc?key=1", "secret": "${OPS_SECRET}"},
            "money": {"url": "https://example.org", "kinds": ["budget", "approval"], "after_s": 0},
            "off": {"url": "https://example.org", "disabled": True},
        },
        OPS_SECRET=SECRET,
    )
    assert set(found) == {"ops", "money"}
    assert (found["ops"].secret, found["ops"].where) == (SECRET, "http://127.0.0.1:9")
    assert found["money"].kinds == ("held", "asking")
    assert set(KINDS) - set(found["ops"].kinds) == {"retrying", "rejected"}
    assert config.read(None) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "is no JSON"),
        ({"ops": {"url": "ftp://x"}}, "url"),
        ({"ops": {"url": "http://x", "secret": "hush-hush"}}, "whsec_"),
        ({"ops": {"url": "http://x", "secret": "${NO_SUCH}"}}, "NO_SUCH is not set"),
        ({"ops": {"url": "http://x", "kinds": ["lost"]}}, "expected one of asking"),
        ({"ops": {"url": "http://x", "kind": []}}, "kind"),
        ({"ops": {"url": "http://[hush"}}, "expected an address"),
        ({"ops": {"url": "http://x:99999/hush"}}, "expected an address"),
        ({"ops": {"url": "http://x:port/hush"}}, "expected an address"),
        ({"ops": {"url": "http://:80/hush"}}, "expected an address"),
        ({"ops": {"url": "http://x/hush hush"}}, "expected an address"),
        ({"a b": {"url": "http://x"}}, "a b"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(read, given, said):
    """The error names the file and the field, and quotes no secret."""
    with pytest.raises(WebhookConfigError, match=r"webhooks\.json") as error:
        read(given)
    assert said in str(error.value)
    assert "hush" not in str(error.value)
