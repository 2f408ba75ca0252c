"""Topics on what conversations have: publish, subscribe with a cursor, dead letters."""
