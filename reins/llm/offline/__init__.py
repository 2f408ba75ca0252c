"""The offline model: what answers where no model is configured, plainly a demonstration."""

from reins.llm.offline.server import OfflineModel

__all__ = ["OfflineModel"]
