"""Facts: who stands to whom in which relation, since when, and on whose word."""
