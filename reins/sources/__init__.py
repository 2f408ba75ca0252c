"""What wakes agents besides each other: each source publishes messages with a key into topics."""
