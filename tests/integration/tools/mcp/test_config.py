"""mcp.json: what people have already is taken, and what is wrong is said."""

import json

import pytest

from reins.tools.mcp.config import McpConfigError, read


def of(folder, **servers):
    file = folder / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    return read(file)


def test_a_file_as_other_programs_have_it(tmp_path, monkeypatch):
    """Fields that are not ours are passed over, variables filled in, `disabled` ones left out."""
    monkeypatch.setenv("TOKEN", "s3cr3t-of-the-test")
    found = of(
        tmp_path,
        time={"command": "uvx", "args": ["mcp-server-time", "--zone=${ZONE:-UTC}"], "type": "stdio",
              "autoApprove": ["now"]},
        web={"url": "https://example.org/mcp?a=b", "headers": {"Authorization": "Bearer ${TOKEN}"}},
        off={"command": "x", "disabled": True},
    )  # fmt: skip
    assert [*found] == ["time", "web"]
    assert found["time"].args == ["mcp-server-time", "--zone=UTC"]
    assert found["web"].headers == {"Authorization": "Bearer s3cr3t-of-the-test"}
    assert (found["web"].transport, found["web"].where) == ("http", "https://example.org/mcp")
    assert read(None) == {}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "give either command"),
        ({"command": "a", "url": "http://b"}, "give either command"),
        ({"url": "ftp://b"}, "url: String should match"),
        ({"url": "http://me:pw@b/mcp"}, "give a password as a header"),
        ({"url": "http://b", "sandbox": True}, "sandbox is for a server with a command"),
        ({"command": "a", "network": True}, "network is for a server in a sandbox"),
        ({"command": "a", "tools": {"x": {"risk": "none"}}}, "tools.x.risk"),
        ({"command": "a", "tools": {"x": {"safe": True}}}, "tools.x.safe: Extra inputs"),
        ({"command": "${NOWHERE_SET}"}, "the variable NOWHERE_SET is not set"),
        ({"command": "a", "connect_s": 0}, "connect_s: Input should be greater than 0"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, entry, words):
    """With the file, the server and the field."""
    with pytest.raises(McpConfigError, match=words):
        of(tmp_path, one=entry)


@pytest.mark.parametrize("name", ["a b", "a__b", "", "ä", "x" * 33])
def test_names_of_servers_are_those_of_tools(tmp_path, name):
    """Letters, digits and what joins them; never two underscores, which part server and tool."""
    with pytest.raises(McpConfigError, match="cannot be named"):
        of(tmp_path, **{name: {"command": "x"}})


def test_a_person_says_what_tools_are(tmp_path):
    """By name or pattern, the last that fits; one that nobody speaks of is medium and outward."""
    said = {"*": {"outward": False}, "get_*": {"risk": "low", "idempotent": True}}
    server = of(tmp_path, one={"command": "x", "tools": said})["one"]
    assert (server.entry("put").risk, server.entry("put").outward) == ("medium", False)
    assert (server.entry("get_a").risk, server.entry("get_a").idempotent) == ("low", True)
    bare = of(tmp_path, one={"command": "x"})["one"].entry("put")
    assert (bare.risk, bare.idempotent, bare.outward) == ("medium", False, True)


def test_another_program_or_argument_is_another_server(tmp_path):
    """What is only ours changes nothing of whom one speaks to."""
    made = {"command": "x", "args": ["a"]}
    same = of(tmp_path, one=made, two={**made, "connect_s": 3})
    assert same["one"].identity == same["two"].identity
    assert of(tmp_path, one={**made, "args": ["b"]})["one"].identity != same["one"].identity
