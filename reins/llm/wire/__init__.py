"""Requests on their way and the answers to them, by HTTP, without BAML."""
