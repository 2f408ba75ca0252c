"""Child sessions: made with a tick of their parent, and settled with it."""
