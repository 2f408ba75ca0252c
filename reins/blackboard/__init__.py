"""Boards: values by key that agents and people share, changed by compare-and-set."""
