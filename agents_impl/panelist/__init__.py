"""A panelist: a persona that is asked one question."""
