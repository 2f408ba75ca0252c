"""Models, called through BAML: routes, retries, limits, and the offline model.

Nothing else in Reins knows BAML. Importing this package starts nothing and reads no settings.
"""

from llm.caller import Caller, CallRecord, Delta, Nobody
from llm.check import RouteCheck
from llm.errors import Kind, ModelConfigError, ModelError
from llm.meter import RouteNow
from llm.model import Completion, Model
from llm.models import Models
from llm.settings import ModelSettings, Route
from llm.structured import Structured

__all__ = [
    "CallRecord",
    "Caller",
    "Completion",
    "Delta",
    "Kind",
    "Model",
    "ModelConfigError",
    "ModelError",
    "ModelSettings",
    "Models",
    "Nobody",
    "Route",
    "RouteCheck",
    "RouteNow",
    "Structured",
]
