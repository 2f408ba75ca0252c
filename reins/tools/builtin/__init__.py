"""Tools that come with Reins."""
