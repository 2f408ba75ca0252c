"""The snippets of docs/mcp.md are what an assistant can be given."""

import json
from urllib.parse import urlsplit

from reins.cli.main import reins
from reins.web.api import mcp
from tests.docs import expected

TEXT = (expected.ROOT / "docs" / "mcp.md").read_text()


def servers():
    """The configurations in the document, by their transport."""
    blocks = [json.loads(source) for kind, source in expected.blocks(TEXT) if kind == "json"]
    found = [server for block in blocks for server in block["mcpServers"].values()]
    return {"http" if "url" in each else "stdio": each for each in found}


def test_the_command_is_one_that_there_is():
    """`reins mcp`, with options that it takes."""
    given = servers()["stdio"]
    assert given["command"].endswith("/bin/reins")
    expected.parse(reins, given["args"])


def test_the_address_is_the_one_that_is_served():
    given = servers()["http"]
    assert urlsplit(given["url"]).path == mcp.PATH
    assert given["headers"]["Authorization"].startswith("Bearer ")
