"""The check of a plan before its session is asked for: what the worker would refuse, by place."""

import json
from collections.abc import Iterable
from typing import Any

from reins.web.bridge import Bridge
from reins.web.http.problem import RequestRefusedError

_MOST = 20


def check_plan(config: Any, bridge: Bridge) -> None:
    """Check a plan in JSON, and the state that it is to begin with.

    Names count only where the worker's actions are known. Raises: RequestRefusedError.
    """
    if getattr(config, "plan", None) is None:
        return  # it has a name, or the type is another one of this name
    # Plans take 40 ms to import, which who creates none need not wait for.
    from reins import plans  # noqa: PLC0415
    from reins.plans.json_value import as_json  # noqa: PLC0415
    from reins.plans.program import check_size  # noqa: PLC0415

    try:
        node = plans.from_json(json.dumps(config.plan))
        check_size(node)
        if bridge.actions is not None:
            plans.compile_plan(bridge.actions, node)
    except plans.PlanFormatError as error:
        raise _refused((each.place, each.message) for each in error.problems) from None
    except plans.PlanNameError as error:
        raise _refused((".".join(map(str, at)), words) for at, words in error.found) from None
    except plans.PlanError as error:
        raise _refused([("", str(error))]) from None
    try:
        as_json(config.state)
    except ValueError as error:
        raise _refused([("", str(error))], of="state") from None


def _refused(found: Iterable[tuple[str, str]], of: str = "plan") -> RequestRefusedError:
    flaws = [
        {"where": ".".join(filter(None, ("body.config", of, place))), "what": words}
        for place, words in found
    ][:_MOST]
    first = flaws[0]
    why = f"the plan cannot be run: {first['where']}: {first['what']}"
    return RequestRefusedError(422, why, flaws)
