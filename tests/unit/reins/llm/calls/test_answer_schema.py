"""What goes into a request for an answer that is held to a schema, and where."""

import pytest

from reins.llm.calls.answer_schema import AnswerSchema, sent_over
from reins.llm.settings import RouteSpec
from reins.llm.wire.response import Exchange

FORM = {"type": "object"}


@pytest.mark.parametrize(
    ("kind", "option", "held"),
    [
        ("tools", None, False), ("tools", "tools", True), ("tools", "always", True),
        ("shape", None, False), ("shape", "tools", False), ("shape", "always", True),
    ],
)  # fmt: skip
def test_what_each_option_holds(kind, option, held):
    """The prompt's further arguments come with it, and the exchange says for which option."""
    spec, exchange = RouteSpec("a", "compatible", "m", file="f", json_schema=option), Exchange()
    schema = AnswerSchema(kind, lambda: FORM, arguments={"json_only": True})
    arguments, response_format = sent_over(spec, schema, {"x": 1}, exchange)
    assert arguments == ({"x": 1, "json_only": True} if held else {"x": 1})
    assert (response_format is not None) is held
    assert exchange.option == ("f: routes.a.json_schema" if held else "")


def test_a_name_is_one_that_servers_take():
    """Names of types may have brackets."""
    named = AnswerSchema("shape", lambda: FORM, "Pair[int, str]" + "x" * 80).response_format()
    assert named["type"] == "json_schema"
    assert named["json_schema"]["name"] == ("Pair_int__str_" + "x" * 80)[:64]
    assert named["json_schema"]["schema"] is FORM
