"""Secrets are found in every usual encoding, and nothing else is changed."""

import base64
import itertools
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reins import redaction
from reins.redaction import HIDDEN, SHORTEST, Passage, Redactor, is_looked_for
from reins.secret_forms import forms_of, is_secret_name, secrets_of

KEY = "sk-proj-Zq8/Vn+3xTb=41LmRw"
KEYS = [KEY, "pa ss\"wo\\rd'é%&7", "gsk_9dKfPq27XzLm", "gsk_9dKfPq27XzLmAndMore"]
ENCODED = {
    "plain": str,
    "json": lambda key: json.dumps(key)[1:-1],
    "json, not ascii": lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    "json in json": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "python": lambda key: repr(key)[1:-1],
    "percent": lambda key: quote(key, safe=""),
    "percent, small": lambda key: re.sub("%..", lambda c: c[0].lower(), quote(key, safe="")),
    "form": quote_plus,
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
}
secrets = st.text(min_size=SHORTEST, max_size=40).map(str.strip).filter(is_looked_for)
words = st.text(st.sampled_from("abc xyz.,\n"), max_size=30)
everything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("encoded", ENCODED)
@pytest.mark.parametrize("key", KEYS)
def test_each_encoding_goes(key, encoded):
    """The mark stands in its place, and the words around it stay."""
    assert Redactor([key]).text(f"it is {ENCODED[encoded](key)}.") == f"it is {HIDDEN}."


@pytest.mark.parametrize("write", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("key", KEYS)
def test_base64_goes_wherever_it_stands_in_it(key, before, after, write):
    """At all three alignments; of the characters that it shares with its neighbours, two stay."""
    whole = write(b"b" * before + key.encode() + b"a" * after).decode()
    left = Redactor([key]).text(whole)
    assert HIDDEN in left
    bits = 6 * len(whole.rstrip("=")) - 6 * len(left.replace(HIDDEN, "").rstrip("="))
    assert bits >= 8 * len(key.encode()) - 10


@given(st.lists(secrets, min_size=1, max_size=4), st.data(), words, words)
def test_no_form_of_any_secret_is_left(keys, data, before, after):
    """Whatever the secrets hold, and whatever stands around them."""
    known = Redactor(keys)
    form = data.draw(st.sampled_from(sorted(set().union(*map(forms_of, keys)))))
    left = known.text(before + form + after)
    assert form not in left.replace(HIDDEN, "\0")


@given(words)
def test_what_holds_no_secret_is_the_very_same(text):
    """No copy is made of it."""
    known = Redactor(KEYS)
    assert known.text(text) is text
    data = json.dumps({"text": text}).encode()
    assert known.json(data) is data
    assert known.rows(data) is data


@given(everything, st.sampled_from(["", " ", "\n"]))
def test_json_stays_json(value, space):
    """Also where it is text within JSON; and no text in it holds a secret."""
    known = Redactor(KEYS)
    nested = {"state": json.dumps(value), "text": space + json.dumps([json.dumps(value)])}
    found = json.loads(known.json(json.dumps(nested).encode()))
    assert json.loads(found["state"]) == known.value(value)
    assert json.loads(json.loads(found["text"])[0]) == known.value(value)
    assert not any(key in shown for key in KEYS for shown in _texts(known.value(value)))


def _texts(value):
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def test_an_escape_is_not_torn():
    """A key that begins with an n, after what looks like a line break's escape."""
    known = Redactor(["nvapi-12345678"])
    row = {"state": json.dumps({"told": "a\nvapi-12345678"}), "text": "a\nvapi-12345678"}
    clean = json.loads(known.rows(json.dumps(row).encode()))
    assert json.loads(clean["state"])["told"] == "a\nvapi-12345678"


def test_a_row_keeps_its_ids_and_columns():
    """Another id would be another row's; columns are not texts."""
    known = Redactor([KEY])
    rows = [{"session_id": KEY, "text": KEY, "n": 3}, {"session_id": "s", "text": "", "n": 4}]
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    clean = [json.loads(line) for line in known.rows(lines).split(b"\n")]
    assert clean == [{"session_id": KEY, "text": HIDDEN, "n": 3}, rows[1]]
    assert known.row(rows[0]) == clean[0]
    assert known.row(rows[1]) is rows[1]


@pytest.mark.parametrize("wrong", ["KEY", '{"a": "KEY"', '["KEY"]', '"KEY"', "[" * 99_999 + "KEY"])
def test_what_is_no_row_raises_nothing(wrong):
    """The journal's writer outlives it; it holds no key either, and is a line as before."""
    lines = b"\n".join([b"{}", wrong.replace("KEY", KEY).encode(), b"\xff"])
    first, line, last = Redactor([KEY]).rows(lines).split(b"\n")
    assert (first, last) == (b"{}", b"\xff")
    assert KEY.encode() not in line
    assert HIDDEN.encode() in line


@pytest.mark.parametrize(
    "secret", ["", "x", "1234567", "password", "session_id", "applied_actions", "1000000000", "0.5"]
)
def test_short_ones_words_and_numbers_are_left_alone(secret):
    """They would black out words, columns and figures."""
    known = Redactor([secret])
    assert not known.secrets
    text = f"the {secret} of all"
    assert known.text(text) == text


@given(st.data(), st.lists(st.sampled_from([*KEYS, "gsk_9dKf", "sk-proj-", "a joke ", "g", "s"])))
def test_a_secret_cut_by_pieces_goes(data, parts):
    """However a text is cut, its pieces together are what the whole would be without secrets."""
    text = "".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_redactor", Redactor(KEYS))
        passage = Passage()
        ends = [0, *cuts, len(text)]
        shown = [passage.feed(text[a:b]) for a, b in itertools.pairwise(ends)]
        shown.append(passage.end())
    assert "".join(shown) == Redactor(KEYS).text(text)
    assert not any(key in piece for key in KEYS for piece in shown)


def test_a_passage_holds_nothing_back_without_need():
    """Only what may be the beginning of a secret waits."""
    redaction.know(KEY)
    passage = Passage()
    assert passage.feed("A cat walks into a bar") == "A cat walks into a bar"
    assert passage.feed(" sk-pr") == " "
    assert passage.feed("ank!") == "sk-prank!"
    assert passage.feed(KEY[:10]) == ""
    assert passage.feed(KEY[10:] + ".") == HIDDEN + "."
    assert passage.feed("s") == ""
    assert passage.end() == "s"


def test_what_becomes_known_later_counts_from_then_on():
    """And what was known stays so."""
    assert redaction.text(KEY) == KEY
    redaction.know(KEY, None, "", "short")
    redaction.know("another-key-1")
    assert redaction.text(f"{KEY} another-key-1 short") == f"{HIDDEN} {HIDDEN} short"


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("OPENAI_API_KEY", True), ("REINS_TOKEN", True), ("DB_PASSWORD", True),
        ("AWS_SECRET_ACCESS_KEY", True), ("client_secret", True), ("GITHUB_TOKEN", True),
        ("AWS_ACCESS_KEY_ID", False), ("API_KEY_FILE", False), ("TOKENIZERS_PARALLELISM", False),
        ("KEYBOARD", False), ("REINS_BUDGET_DAY_TOKENS", False), ("PATH", False), ("_", False),
    ],
)  # fmt: skip
def test_names_that_say_so(name, is_secret):
    """By whole words: a name that says where a key is holds none."""
    assert is_secret_name(name) == is_secret


def test_an_environment_is_read_for_what_is_secret_in_it():
    """Also passwords in addresses, values of headers, and keys of service accounts."""
    environ = {
        "MY_KEY": "key-in-a-variable", "HOME": "/home/somebody", "EMPTY_KEY": "",
        "DATABASE_URL": "postgres://me:pass%2Fword-in-address@host/db",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api=header-value-1,authorization=Bearer%20header-value-2",
        "GOOGLE_CREDENTIALS": '{"type": "service_account", "private_key": "-----key-within-json"}',
    }  # fmt: skip
    found = set(secrets_of(environ))
    assert {
        "key-in-a-variable", "pass%2Fword-in-address", "pass/word-in-address",
        "header-value-1", "header-value-2", "-----key-within-json",
    } <= found  # fmt: skip
    assert not {"/home/somebody", "service_account", "me", "host"} & found
