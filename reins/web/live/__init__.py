from reins.without import without

# Where it is installed it would take a tenth of a second of each start, for nothing of ours.
with without("redis"):
    import socketio  # noqa: F401
