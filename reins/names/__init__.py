"""Names as people read and write them: which are the same, which look the same, who is meant."""
