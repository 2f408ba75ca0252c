"""A tool as people and programs are told of it: its input, its set and its policy, as JSON."""

from dataclasses import fields
from typing import Any

from reins.tools.policy import Policy
from reins.tools.tool import Tool

_LEFT_OUT = frozenset({"riskier", "rate", "risk"})


def described(tool: Tool) -> dict[str, Any]:
    """All that is known of a tool, in plain values."""
    return {
        "name": tool.name,
        "group": tool.group,
        "description": tool.description,
        "risk": tool.policy.risk.name,
        "signature": tool.signature(),
        "input_schema": tool.spec()["function"]["parameters"],
        "cancellable": tool.cancellable,
        "policy": _policy(tool.policy),
    }


def _policy(policy: Policy) -> dict[str, Any]:
    told = {
        each.name: getattr(policy, each.name)
        for each in fields(policy)
        if each.name not in _LEFT_OUT
    }
    rate = policy.rate
    told["rate"] = None if rate is None else {"calls": rate.calls, "per_s": rate.per_s}
    told["raised_by_arguments"] = policy.riskier is not None
    return told
