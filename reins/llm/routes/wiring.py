"""From a route's plan to its wire: prompts compiled, certificates read."""

from collections.abc import Mapping

from reins.llm.baml.prompts import CLIENTS_FILE
from reins.llm.baml.runtime import Compiled
from reins.llm.errors import ModelConfigError
from reins.llm.routes.providers import Plan
from reins.llm.settings import RouteSpec
from reins.llm.wire.sender import Sender
from reins.llm.wire.trust import CertificatesError, context_of
from reins.llm.wire.wire import GRACE_S, Wire

GRACE_SHARE = 0.25
"""Of an attempt's time, that an answer which is whole may be left open at the most."""


def open_wire(
    plan: Plan, spec: RouteSpec, prompts: Mapping[str, str], sender: Sender | None = None
) -> Wire:
    """The wire of a route. Blocks. With a `sender` the connections go on.

    Raises: ModelConfigError.
    """
    compiled = Compiled({**prompts, CLIENTS_FILE: plan.source}, plan.values)
    grace_s = min(GRACE_S, GRACE_SHARE * spec.longest_attempt_s)
    return Wire(compiled, sender or sender_for(plan), grace_s=grace_s)


def sender_for(plan: Plan) -> Sender:
    """The sender of a route. Blocks. Raises: ModelConfigError for a file that cannot be read."""
    if plan.trust.alone:
        try:
            context_of(plan.trust)
        except CertificatesError as error:
            raise ModelConfigError(f"{error}. Name a file of certificates (PEM).") from None
    return Sender(plan.address, trust=plan.trust, proxy=plan.proxy)
