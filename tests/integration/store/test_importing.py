"""LanceDB without its REST client: the private door that its exact pin guards."""

import subprocess
import sys

CHECK = """
import sys, tempfile
import store
import lancedb, pyarrow as pa
from store.lance import importing
client = importing._CLIENT
assert type(sys.modules[client].__spec__.loader).__name__ == "_Absent", "LanceDB imports it no more"
assert not any(type(finder).__name__ == "_Absent" for finder in sys.meta_path), "the hook is gone"
with tempfile.TemporaryDirectory() as folder:
    table = lancedb.connect(folder).create_table("t", pa.table({"n": [1, 2]}))
    assert table.count_rows("n > 1") == 1
"""


def test_lancedb_works_without_its_rest_client():
    """Its modules are imported empty, the hook is taken out again, and tables work all the same."""
    subprocess.run([sys.executable, "-c", CHECK], check=True, timeout=60)
