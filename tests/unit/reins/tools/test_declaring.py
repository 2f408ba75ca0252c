"""Declaring tools: what a function says of itself, and what a declaration must say."""

from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from reins.tools import ArgumentsError, Context, Policy, Risk, Tool, tool


class Size(StrEnum):
    small = "small"
    large = "large"


class Place(BaseModel):
    street: str
    number: int = 1


@tool(risk="low", timeout_s=3)
def order(  # noqa: PLR0917 - one of each kind
    name: Annotated[str, Field(description="of the dish")],
    count: int = 1,
    size: Size = Size.small,
    how: Literal["hot", "cold"] = "hot",
    to: Place | None = None,
    notes: list[str] = [],  # noqa: B006 - Pydantic copies it
) -> str:
    """Order a dish."""
    return f"{count} {name} {size} {how} {to} {notes}"


def test_a_tool_tells_its_input_in_a_line():
    """Names, kinds, and which of them may be left out."""
    assert order.signature() == (
        "name: string, count?: integer, size?: 'small' | 'large', how?: 'hot' | 'cold', "
        "to?: {street, number}, notes?: [string]"
    )


def test_a_tool_has_the_schema_of_function_calling():
    """As OpenAI's API has it; the descriptions of parameters come along."""
    spec = order.spec()
    function = spec["function"]
    assert (spec["type"], function["name"], function["description"]) == (
        "function", "order", "Order a dish.",
    )  # fmt: skip
    assert function["parameters"]["required"] == ["name"]
    assert function["parameters"]["properties"]["name"]["description"] == "of the dish"
    assert function["parameters"]["additionalProperties"] is False


def test_a_tool_belongs_to_the_set_of_its_module():
    """Unless it says another."""
    assert order.group == "test_declaring"

    @tool(group="kitchen")
    def cook() -> None:
        """Cook."""

    assert cook.group == "kitchen"


def test_without_a_risk_named_it_asks():
    """A tool that says nothing of its risk is of medium risk."""

    @tool
    def plain() -> None:
        """Do."""

    assert plain.policy.risk is Risk.medium
    assert Policy().risk is Risk.medium


async def test_the_function_gets_what_was_checked():
    """Converted values, and the call's context where it asks for it."""

    @tool
    async def tell(context: Context, at: Place, count: int) -> list:
        """Tell."""
        return [context.session_id, at, count]

    given = {"at": {"street": "Main"}, "count": "3"}
    found = await tell.run(tell.check(given), Context(session_id="s"))
    assert found == ["s", Place(street="Main"), 3]


async def test_a_function_may_take_its_input_as_one_model():
    """Then the model is its own."""

    @tool
    async def go(given: Place) -> str:
        """Go."""
        return given.street

    assert go.input is Place
    assert await go.acall(street="Main") == "Main"


async def test_a_class_may_be_a_tool():
    """With its input, its policy and its run."""

    class Greet(Tool):
        name = "greet"
        description = "Greet somebody."
        input = Place
        policy = Policy(risk=Risk.low)

        async def run(self, given: BaseModel, context: Context) -> str:
            return f"hello {given.street}"

    assert await Greet().acall(street="Main") == "hello Main"
    assert Greet().signature() == "street: string, number?: integer"


def lambda_without_docstring():
    return None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: tool(lambda_without_docstring), "says nothing of itself"),
        (lambda: tool(name="no spaces", description="x")(lambda: None), "cannot be named"),
        (lambda: tool(risk="tiny", description="x", name="a")(lambda: None), "no risk 'tiny'"),
        (lambda: tool(timout_s=3, description="x", name="a")(lambda: None), "no policy timout_s"),
        (lambda: tool(description="x", name="a")(lambda a: None), "a has no annotation"),
        (lambda: tool(description="x", name="a")(lambda *a: None), "has no name that a call"),
    ],
)
def test_a_declaration_that_says_too_little(make, said):
    """Each names the tool and what is missing."""
    with pytest.raises((ValueError, TypeError), match=said):
        make()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "name: Field required"),
        ({"name": 3}, "name: Input should be a valid string, given 3"),
        ({"name": "a", "colour": 1}, "colour: Extra inputs"),
        ({"name": "a", "to": {"street": 1}}, "to.street"),
        ({"name": "a" * 500, "count": "x" * 500}, "count"),
        ({"name": "\ud800"}, "half a character"),
        ({"name": "a", "notes": ["\udfff"]}, "half a character"),
        ({f"k{n}": n for n in range(9)}, "and 7 more"),
    ],
)
def test_arguments_that_do_not_fit(given, said):
    """The error says what came, what was expected, and stays short."""
    with pytest.raises(ArgumentsError) as raised:
        order.check(given)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 1_000


def test_arguments_nested_without_end():
    """Are refused like others."""
    deep: dict = {}
    for _ in range(5_000):
        deep = {"a": deep}

    with pytest.raises(ArgumentsError):
        order.check({"name": deep})
    order.check({"name": "x"})


def test_the_risk_of_a_call_is_only_ever_raised():
    """By its arguments, with the reasons; never below the tool's own."""

    def riskier(arguments, context):
        if arguments.get("path") == "/etc":
            yield Risk.high, "it is the system's"
        yield Risk.low, "it is small"

    policy = Policy(risk=Risk.medium, why="it writes", riskier=riskier)
    assert policy.risk_of({}) == (Risk.medium, ["it writes", "it is small"])
    high = (Risk.high, ["it writes", "it is the system's", "it is small"])
    assert policy.risk_of({"path": "/etc"}) == high


def test_what_a_call_touches_is_its_arguments_unless_it_says_more():
    """The digest knows no order of keys, and is another when a tool's own part is."""
    assert order.touches({"a": 1, "b": 2}, Context()) == order.touches({"b": 2, "a": 1}, Context())
    assert order.touches({"a": 1}, Context()) != order.touches({"a": 2}, Context())
    state = ["one"]

    @tool(touches=lambda arguments, context: state[0])
    def change(a: int) -> None:
        """Change."""

    before = change.touches({"a": 1}, Context())
    state[0] = "two"
    assert change.touches({"a": 1}, Context()) != before
    assert order.preview({"name": "x"}, Context()) == {"kind": "fields", "fields": {"name": "x"}}


async def test_an_argument_may_have_any_name_that_python_takes():
    """None of them collides with the names that the layer itself uses on the way."""

    @tool
    def apply(function: str, given: int, arguments: str = "", tool: str = "") -> str:
        """Apply a function."""
        return f"{function}({given}){arguments}{tool}"

    assert await apply.acall(function="f", given=1, arguments="a", tool="t") == "f(1)at"
