"""`reins search`: how its arguments become one query."""

import pytest
from click.testing import CliRunner

from reins.cli.search import search

NOTHING = {"groups": [], "behind": 0, "by_meaning": False, "indexed": False}


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (["black tea source:chunk"], "black tea source:chunk"),
        (["black", "tea", "source:chunk"], "black tea source:chunk"),
        (['"black tea"', "agent:Ann Lee"], '"black tea" agent:"Ann Lee"'),
        (["tea", "--session", "finn"], 'tea session:"finn"'),
    ],
)
def test_arguments_become_one_query(monkeypatch, arguments, query):
    """One is read as the page reads it; of several, each is a part."""
    asked = []
    monkeypatch.setattr(
        "reins.search.asking.search", lambda given, **_more: asked.append(given) or NOTHING
    )
    outcome = CliRunner().invoke(search, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert asked == [query]
