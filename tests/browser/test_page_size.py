"""What is loaded before anything is chosen stays small."""

import gzip
import re

from tests.support.worker import ROOT

DIST = ROOT / "reins" / "web" / "dashboard" / "dist"
MOST_BYTES = 80 * 1024
_LINKED = re.compile(r'(?:src|href)="\./([^"]+\.(?:js|css))"')
_IMPORTED = re.compile(r'(?:^|[;}\s])(?:import|export)[^;"\'()]*["\']\./([^"\']+\.js)["\']')


def _with_imports(path, found):
    if path in found:
        return
    found.add(path)
    if path.suffix == ".js":
        for name in _IMPORTED.findall(path.read_text()):
            _with_imports(path.parent / name, found)


def test_the_first_load_is_under_80_kb():
    """index.html with its scripts, their static imports and styles, as gzip sends them.

    The build laid each beside its file, in gzip and in brotli, and the smaller is smaller.
    """
    index = DIST / "index.html"
    found = {index}
    for name in _LINKED.findall(index.read_text()):
        _with_imports(DIST / name, found)
    assert {path.suffix for path in found} == {".html", ".js", ".css"}
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in found}
    assert sum(sizes.values()) < MOST_BYTES, sizes
    for path in found - {index}:
        packed, smaller = (path.with_name(f"{path.name}.{ending}") for ending in ("gz", "br"))
        assert gzip.decompress(packed.read_bytes()) == path.read_bytes()
        assert smaller.stat().st_size < packed.stat().st_size
    assert len(sizes) < len(list((DIST / "assets").iterdir())), "nothing is loaded lazily"
