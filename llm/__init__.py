"""Models, called through BAML: routes, retries, limits, and the offline model.

Nothing else in Reins knows BAML. Importing this package starts nothing and reads no settings.
"""

from llm.errors import Kind, ModelConfigError, ModelError
from llm.model import Completion, Model
from llm.settings import ModelSettings, Route

__all__ = [
    "Completion",
    "Kind",
    "Model",
    "ModelConfigError",
    "ModelError",
    "ModelSettings",
    "Route",
]
