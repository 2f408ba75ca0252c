"""Models, called through BAML: routes, retries, limits, and the offline model.

Nothing else in Reins knows BAML. Importing this package starts nothing and reads no settings.
"""

from reins.llm.caller import Caller, CallRecord, Delta, Nobody
from reins.llm.calls.answer_schema import AnswerSchema
from reins.llm.calls.structured import Structured
from reins.llm.check import RouteCheck
from reins.llm.completion import Completion
from reins.llm.errors import Kind, ModelConfigError, ModelError
from reins.llm.model import Model
from reins.llm.router import ModelRouter
from reins.llm.routes.metrics import RouteNow
from reins.llm.settings import ModelSettings, Route

__all__ = [
    "AnswerSchema",
    "CallRecord",
    "Caller",
    "Completion",
    "Delta",
    "Kind",
    "Model",
    "ModelConfigError",
    "ModelError",
    "ModelRouter",
    "ModelSettings",
    "Nobody",
    "Route",
    "RouteCheck",
    "RouteNow",
    "Structured",
]
