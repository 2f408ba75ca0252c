"""Choosing tools by names, sets and patterns."""

import pytest

from reins.tools import Registry, ToolError, ToolModuleError, tool


def made(name: str, group: str):
    @tool(name=name, group=group)
    def do() -> None:
        """Do."""

    return do


REGISTRY = Registry(
    [made("read_file", "files"), made("read_page", "web"), made("write_file", "files")]
)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([], []),
        (["read_page"], ["read_page"]),
        (["files"], ["read_file", "write_file"]),
        (["read_*"], ["read_file", "read_page"]),
        (["write_file", "read_*", "files"], ["write_file", "read_file", "read_page"]),
    ],
)
def test_names_sets_and_patterns(wanted, names):
    """Each tool once, in the order in which it was asked for."""
    assert list(REGISTRY.select(wanted)) == names


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("reed_file", "did you mean read_file"),
        ("file", "did you mean files"),
        ("zzz", "there are files, read_file"),
        ("nothing_*", "no tool 'nothing_"),
    ],
)
def test_what_means_no_tool(wanted, said):
    """It is an error, with what may be meant."""
    with pytest.raises(ToolError, match=said):
        REGISTRY.select([wanted])


def test_an_unknown_tool():
    """It is told with those that are alike."""
    with pytest.raises(ToolError, match="did you mean write_file"):
        REGISTRY.get("write_fiel")


def test_two_tools_of_one_name():
    """They are refused, and both places named."""
    with pytest.raises(ToolModuleError, match="'files' and 'mine'"):
        Registry([made("read_file", "files"), made("read_file", "mine")])


def test_the_built_in_sets():
    """Those that a session's config may name."""
    groups = Registry.load().groups
    assert {"files", "memory", "data", "llm"} <= set(groups)
    assert groups["files"] == [
        "list_files", "read_file", "write_file", "edit_file", "search_files",
    ]  # fmt: skip
