"""The only user of LanceDB and SQLite: tables, journal, flush, compaction, repair."""

from store.lance.importing import import_lancedb

import_lancedb()
