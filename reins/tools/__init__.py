"""Tools: functions with a checked input, a policy and a bounded result, for agents and for scripts.

Nothing here knows agents. Importing this package starts nothing and reads no settings.
"""

from reins.tools.budget import Budget
from reins.tools.calling import Calls, calls_here
from reins.tools.context import Context
from reins.tools.declaring import tool
from reins.tools.outcome import ArgumentsError, CallError, Outcome, ToolError
from reins.tools.policy import Policy, Rate, Risk
from reins.tools.registry import Registry, ToolModuleError
from reins.tools.tool import Tool

__all__ = [
    "ArgumentsError",
    "Budget",
    "CallError",
    "Calls",
    "Context",
    "Outcome",
    "Policy",
    "Rate",
    "Registry",
    "Risk",
    "Tool",
    "ToolError",
    "ToolModuleError",
    "calls_here",
    "tool",
]
