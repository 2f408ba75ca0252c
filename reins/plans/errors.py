"""Errors of plans: one for a plan that cannot be used, one for a plan that ended in a fault."""

from reins.plans.result import Fault


class PlanError(ValueError):
    """A plan, or a part that it names, cannot be used; the message says where and what to do."""


class PlanFailedError(Exception):
    """A plan ended in a fault, and its state was asked for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
