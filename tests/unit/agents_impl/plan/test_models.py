"""The configuration of a plan's session: what does not fit is told in words of its own."""

import pytest
from pydantic import ValidationError

from agent_core.agent.guidance import problems
from agents_impl.plan.models import PlanConfig


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "expected plan or name, one of them; neither was given"),
        ({"plan": "a", "name": "b"}, "expected plan or name, one of them; both were given"),
        (
            {"plan": ["a"]},
            "expected an object with a kind, or the name of an action, given ['a']",
        ),
    ],
)
def test_what_is_no_plan_is_told(config, words):
    """One of two fields, of which one is an object or a text; nothing of how it is validated."""
    with pytest.raises(ValidationError) as error:
        PlanConfig.model_validate(config)
    assert words in problems(error.value)
    assert "json-or-python" not in problems(error.value)
