"""BAML clients that stand in for a function's own: for rendering a prompt, and for streams."""

from collections.abc import Mapping

from baml_py import ClientRegistry

STREAMED_CLIENT = "RouteStreamed"
"""Client that streams take instead of a function's own, if there is one of this name."""


def rendering_client() -> ClientRegistry:
    """A client that is never called: prompts are rendered the same for every provider."""
    registry = ClientRegistry()
    options = {"base_url": "http://localhost", "model": "none"}
    registry.add_llm_client("Rendering", "openai-generic", options)
    registry.set_primary("Rendering")
    return registry


def streaming_client(files: Mapping[str, str]) -> ClientRegistry | None:
    """The client for streams, where the sources declare one of its own."""
    if not any(STREAMED_CLIENT in source for source in files.values()):
        return None
    registry = ClientRegistry()
    registry.set_primary(STREAMED_CLIENT)
    return registry
