"""The library of the protocol is an extra: nothing of ours imports it to be a server."""

import subprocess
import sys

from tests.integration.mcp_server.conftest import ENVIRONMENT
from tests.support.program import ROOT

CODE = """
import sys
import agents, agents_impl, app, queue_imp
import reins.cli.mcp, reins.cli.tools, reins.mcp_server.stdio, reins.web.application
print([name for name in sys.modules if name.split(".")[0] in ("mcp", "mcp_types")])
"""


def test_being_a_server_imports_no_library():
    """Neither the page's process nor `reins mcp` does, so it costs neither time nor memory."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
