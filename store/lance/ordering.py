"""The order of commits: the store's own, whatever the clocks of its writers said."""

import asyncio
from pathlib import Path

import numpy as np
import pyarrow as pa

from store.lance import manifest
from store.lance.opening import AsyncOpenTable

ROW_ID = "_rowid"
_FRAGMENT_BITS = 32


async def in_commit_order(table: AsyncOpenTable, found: pa.Table) -> pa.Table | None:
    """The rows of a query with row ids, in the order of their commit, without the ids.

    None where the table was compacted since the query: ask again.

    A query gives rows in any order. A row's id begins with the number of its fragment, and a
    commit makes a fragment with a higher number; but a compaction puts a new fragment in the place
    of old ones, and what was committed meanwhile has a lower number. The manifest has the order.
    """
    ids = found[ROW_ID].to_numpy()
    fragments, which = np.unique(ids >> _FRAGMENT_BITS, return_inverse=True)
    places = np.arange(len(fragments))
    if len(fragments) > 1:
        order = await asyncio.to_thread(_fragments, Path(await table.uri()))
        if not set(fragments.tolist()) <= order.keys():
            return None
        places = np.array([order[number] for number in fragments.tolist()])
    return found.take(np.lexsort((ids, places[which]))).drop_columns([ROW_ID])


def _fragments(table: Path) -> dict[int, int]:
    """The place of each fragment of the newest version, by the fragment's number."""
    newest = manifest.read(manifest.manifests(table)[0])
    return {number: place for place, number in enumerate(newest.fragments)}
