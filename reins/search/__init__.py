"""Search over all that was said: rows of logs, messages, memories."""
