"""The only user of LanceDB and SQLite: tables, journal, flush, upkeep, repair."""

from store.lance import import_lancedb

import_lancedb()
