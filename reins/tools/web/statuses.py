"""Statuses of HTTP in our own words: a server's phrase beside its number can say anything."""

from http import HTTPStatus


def status_words(status: int) -> str:
    """The number, with the phrase that the standard has for it: "404 Not Found"."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
