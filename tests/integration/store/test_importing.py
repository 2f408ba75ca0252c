"""LanceDB without what a local folder never needs: private doors that exact pins guard."""

import subprocess
import sys

import pytest

START = """
import sys
import store
import lancedb, pyarrow as pa
late = ("pandas", "lance_namespace_urllib3_client", "overrides")
assert not [name for name in sys.modules if name.partition(".")[0] in late]
"""
"""What every process of ours begins with."""

CHECKS = {
    "tables": """
import tempfile
from datetime import timedelta
from pathlib import Path
from lancedb.index import Bitmap, BTree
from store.lance.tables import connect
with tempfile.TemporaryDirectory() as folder:
    schema = pa.schema([("key", pa.string()), ("n", pa.int64()), ("at", pa.timestamp("us", "UTC"))])
    def rows(*numbers):
        made = [{"key": f"k{n}", "n": n, "at": 1_000_000 * n} for n in numbers]
        return pa.Table.from_pylist(made, schema=schema)
    db = connect(Path(folder))
    table = db.create_table("t", schema=schema, exist_ok=True)
    table.add(rows(1, 2))
    table.create_index("key", config=BTree(), replace=True)
    table.create_index("n", config=Bitmap(), replace=True)
    assert {index.columns[0] for index in table.list_indices()} == {"key", "n"}
    merged = table.merge_insert("key").when_matched_update_all().when_not_matched_insert_all()
    merged.execute(rows(2, 3))
    before = table.version
    table.add_columns(pa.schema([("more", pa.string())]))
    table.update(where="n = 1", values={"more": "said"})
    assert table.search().where("more = 'said'").limit(None).to_list()[0]["key"] == "k1"
    table.delete("n = 1")
    assert table.count_rows("n > 1") == 2 and table.count_rows() == 2
    found = table.search().where("key = 'k3'").select(["n"]).limit(None)
    assert found.to_arrow()["n"].to_pylist() == [3]
    assert found.to_batches(10).read_all().num_rows == 1
    table.checkout(before)
    assert table.count_rows() == 3 and "more" not in table.schema.names
    table.checkout_latest()
    table.restore(before)
    assert table.count_rows() == 3
    table.optimize(cleanup_older_than=timedelta(days=1))
    assert table.version == max(each["version"] for each in table.list_versions())
    assert db.open_table("t").search().limit(None).to_arrow().num_rows == 3
    assert table.stats()["num_rows"] == 3
assert "pandas" not in sys.modules
""",
    "tables on a loop": """
import asyncio, tempfile
from pathlib import Path
from store.lance.tables import connect_async
async def work(folder):
    db = await connect_async(Path(folder))
    table = await db.create_table("t", schema=pa.schema([("n", pa.int64())]))
    await table.add(pa.table({"n": [1, 2, 3]}))
    found = await table.query().where("n > 1").with_row_id().to_arrow()
    assert found["n"].to_pylist() == [2, 3] and await table.version() >= 1
    assert await table.count_rows() == 3
    await table.merge_insert("n").when_not_matched_insert_all().execute(pa.table({"n": [3, 4]}))
    assert (await table.query().to_pandas()).shape == (4, 1)
with tempfile.TemporaryDirectory() as folder:
    asyncio.run(work(folder))
""",
    "pandas": """
import tempfile
import pandas as pd
assert pa.array(pd.Series([1.0, float("nan")])).null_count == 1, "Arrow knows nothing of pandas"
assert pa.table(pd.DataFrame({"a": [1]})).num_rows == 1
assert pa.Table.from_pandas(pd.DataFrame({"a": [1]})).to_pandas()["a"].tolist() == [1]
with tempfile.TemporaryDirectory() as folder:
    table = lancedb.connect(folder).create_table("t", pd.DataFrame({"n": [1, 2]}))
    table.add(pd.DataFrame({"n": [3]}))
    assert table.to_pandas()["n"].tolist() == [1, 2, 3]
    assert table.search().where("n > 1").to_pandas().shape == (2, 1)
""",
    "pandas by Arrow alone": """
assert pa.table({"a": [1]}).to_pandas()["a"].tolist() == [1]
import pandas as pd
assert pa.array(pd.Series(["a"])).to_pylist() == ["a"]
assert type(pd.__spec__.loader).__name__ == "_Telling", "it was imported in another way"
""",
    "a frame of rows": """
from store.agent_steps import steps_frame
import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    os.environ["REINS_DATA"] = folder
    assert "seq" in steps_frame("nobody").columns
""",
    "LanceDB's own client": """
import tempfile, typing
import pydantic
from lance_namespace import LanceNamespace, ListTablesRequest
request = ListTablesRequest(id=["a"])
assert isinstance(request, ListTablesRequest) and issubclass(type(request), ListTablesRequest)
assert ListTablesRequest.model_validate({"id": ["b"]}).id == ["b"]
assert typing.get_type_hints(LanceNamespace.list_tables)["request"] is ListTablesRequest
class Mine(ListTablesRequest):
    pass
class Model(pydantic.BaseModel):
    request: ListTablesRequest | None
assert Mine(id=["c"]).id == Model(request={"id": ["c"]}).request.id
import lance_namespace_urllib3_client as client
from lance_namespace_urllib3_client.api import table_api
assert client.TableApi is table_api.TableApi and client.__file__
assert isinstance(request, client.models.ListTablesRequest)
import overrides
assert overrides.EnforceOverrides is not object
with tempfile.TemporaryDirectory() as folder:
    db = lancedb.connect(folder)
    db.create_table("t", pa.table({"n": [1]}))
    assert db.list_namespaces().namespaces == [] and db.list_tables().tables == ["t"]
    names = lancedb.connect_namespace("dir", {"root": folder})
    assert names.open_table("t").count_rows() == 1
assert lancedb.connect("db://x", api_key="y", host_override="http://127.0.0.1:1")
""",
}


def run(check):
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


@pytest.mark.parametrize("what", CHECKS)
def test_lancedb_works_in_full(what):
    """All that we use of it, and all that somebody else in this process may use."""
    run(START + CHECKS[what])


@pytest.mark.parametrize("first", ["pandas", "lance_namespace_urllib3_client.models", "lancedb"])
def test_what_was_imported_before_stays_what_it_is(first):
    """A program that embeds Reins may have imported anything already."""
    run(f"""
import sys
import {first}
before = dict(sys.modules)
import store, lancedb
assert all(sys.modules[name] is module for name, module in before.items())
import lance_namespace, lance_namespace_urllib3_client as client
request = client.models.ListTablesRequest(id=["a"])
assert isinstance(request, lance_namespace.ListTablesRequest)
import pandas as pd, pyarrow as pa
assert pa.array(pd.Series([float("nan")])).null_count == 1
""")
