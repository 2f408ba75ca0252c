"""One file per type of agent; a file dropped in here is a type."""
