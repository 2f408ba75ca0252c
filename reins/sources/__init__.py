"""Sources that wake agents besides each other: each publishes messages with a key into topics."""
