"""Webhooks: a person is called, once for each episode of a cause, where the page is not open."""
