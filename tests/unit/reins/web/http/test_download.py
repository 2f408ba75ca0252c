"""Names of files that a browser saves."""

import re
from urllib.parse import unquote

import pytest

from reins.web.http.download import disposition

IDS = [
    "tea",
    "Tea",
    "a b",
    "a_b",
    "a/b",
    "a\\b",
    "a:b",
    'a"b',
    "a;b",
    "a%2Fb",
    "a\nb",
    "a\x1bb",
    "..",
    ".",
    "...",
    "-rf",
    " ",
    "\u202ea",
    "\u200ba",
    "a\u0301",
    "\u00e1",
    "\u7f8e\u54b2",
    "\u0645\u0627\u0631\u0627",
    "\U0001f98a",
    "\U0001f9d1\u200d\U0001f680",
    "\ud800",
    "x" * 256,
    "\u7f8e" * 256,
    "\U0001f98a" * 256,
    "x" * 255 + "y",
    "con",
    "nul.",
    "a.",
    "*?<>|",
    "$(id)",
    "~",
    "\u3000",
]
PLAIN = re.compile(r'attachment; filename="(conversation-[A-Za-z0-9._-]+\.md)"')


def names_of(conversation_id):
    """The file's name in ASCII, and in UTF-8 where it has one."""
    value = disposition("conversation", conversation_id, "md")
    assert value.isascii()
    assert value.isprintable()
    plain, _, full = value.partition("; filename*=UTF-8''")
    return PLAIN.fullmatch(plain)[1], unquote(full) or None


@pytest.mark.parametrize("conversation_id", IDS)
def test_any_file_system_takes_it(conversation_id):
    """No separator, no reserved sign, no mark that nobody sees, no more than 255 bytes."""
    for name in filter(None, names_of(conversation_id)):
        assert not re.search(r"""[\x00-\x1f\x7f-\x9f<>:"/\\|?*%\s\u200b\u202e]""", name)
        assert len(name.encode()) < 200
        assert not name.removesuffix(".md").endswith((".", " "))
        assert name.endswith(".md")


@pytest.mark.parametrize("which", [0, 1])
def test_no_two_ids_have_one_file(which):
    """Neither in ASCII nor in UTF-8; forms of Unicode that look the same are two ids here."""
    names = [names_of(each)[which] or names_of(each)[0] for each in IDS]
    assert len(set(names)) == len(IDS)


def test_letters_of_all_scripts_stay():
    """A plain id is its own name, another script is readable, what is changed is marked."""
    assert names_of("tea") == ("conversation-tea.md", None)
    assert names_of("\u7f8e\u54b2")[1] == "conversation-\u7f8e\u54b2.md"
    assert re.fullmatch(r"conversation-a_b-[0-9a-f]{8}\.md", names_of("a/b")[0])
