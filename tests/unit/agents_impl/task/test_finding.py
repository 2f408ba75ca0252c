"""`find_tool`: there for sessions with more than forty tools, and it finds them."""

from agents_impl.task.finding import NAME, found, with_finder
from agents_impl.task.own_tools import OWN
from agents_impl.task.window import MAX_TOOLS
from reins.tools.calling import Calls
from reins.tools.context import Context
from reins.tools.declaring import tool


def made(name, description="It does."):
    return tool(lambda: None, name=name, description=description)


def test_it_is_there_only_where_it_is_needed():
    """Then it stands first, with what the agent itself answers, so that all are told of it."""
    few = {f"t{n}": made(f"t{n}") for n in range(MAX_TOOLS - len(OWN))}
    assert [*with_finder(few, OWN)] == [*few, *OWN]
    many = few | {"one_more": made("one_more")}
    assert [*with_finder(many, OWN)][: 1 + len(OWN)] == [NAME, *OWN]


async def test_it_tells_what_tools_take():
    """By words of name and description; where nothing fits, that."""
    many = {f"t{n}": made(f"t{n}") for n in range(60)}

    @tool(risk="low")
    async def read_mails(folder: str) -> str:
        """Read the messages of a folder."""
        return folder

    tools = with_finder(many | {"read_mails": read_mails}, OWN)
    outcome = await Calls().call(tools[NAME], {"words": "mail in folders"}, Context())
    assert outcome.text() == "read_mails(folder: string) — Read the messages of a folder."
    nothing = await Calls().call(tools[NAME], {"words": "telescope"}, Context())
    assert "no tool of 61 fits 'telescope'" in nothing.text()
    assert [each.name for each in found("message", tools)] == ["read_mails"]
