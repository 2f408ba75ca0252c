"""Documents: what people and agents add to be read, searched and cited, version by version."""
