"""docs/reference.md says what the code says: nothing missing, nothing that has gone."""

import dataclasses
import inspect
import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter

import agents
import queue_imp
from agent_core.actions.handling import ACTION_HANDLERS
from agent_core.actions.payloads import PAYLOADS
from agent_core.agent.base import AgentBase, AgentConfig
from agent_core.agent.looping import LoopingAgentBase
from agent_core.budgets.limits import Budget, Limits, SetBudget
from agent_core.session.status import Status
from agents_impl.panelist.models import (
    PanelistConfig,
    PanelistGuidance,
    PanelistState,
)
from agents_impl.panelist.models import (
    Report as PanelistReport,
)
from agents_impl.persona import manner
from agents_impl.persona.agent import PersonaAgent
from agents_impl.persona.context import Context
from agents_impl.persona.models import PersonaConfig, PersonaGuidance, PersonaState, Reason
from agents_impl.plan.models import PlanConfig, PlanGuidance, PlanState
from reins.llm import Model
from reins.llm.errors import COUNTED, Kind
from reins.llm.routes.models_file import EmbeddingsEntry, ModelsFile, RouteEntry
from reins.llm.wire.failures import RETRYABLE
from reins.mcp_server import eras, resources
from reins.plans import Actions
from reins.plans import Context as PlanContext
from reins.plans.builtin import built_in
from reins.tools import Policy, Registry, outcome
from reins.unusable import EXIT_UNUSABLE
from reins.verifying.verify import HOLDS, Report
from reins.web.api import mcp_figures, metrics
from store.store import TABLES
from tests.docs import expected

TEXT = (expected.ROOT / "docs" / "reference.md").read_text()


def section(heading):
    return expected.section(TEXT, heading)


def first_cells(text):
    return [row[0] for row in expected.rows(text)]


def test_settings_are_those_of_the_code():
    """Names, defaults, units, limits and help of every setting, in the order of the code."""
    documented = expected.rows(section("## Settings"))
    for said, true in zip(documented, expected.settings(), strict=True):
        name, default, unit, values, text = true
        assert said[:2] == [name, default]
        assert said[4] == text
        assert said[2] == unit or (not unit and not name.endswith("_S`"))
        assert said[3] == values or not values


@pytest.mark.parametrize(
    ("heading", "signatures"),
    [("## Helpers", expected.helpers()), ("## Reading the tables", expected.readers())],
)
def test_signatures(heading, signatures):
    """Every function of `queue_imp`, and every one that reads the tables, with its signature."""
    said = [source.strip() for _, source in expected.blocks(section(heading))]
    assert sorted(said) == sorted(signatures)


def test_the_receipts_fields_are_those_of_the_helper():
    """The receipt's fields are those that the helper gives."""
    row = queue_imp.create_action("agent_pause", "ann", agent_id="a")
    line = (
        next(line for line in section("## Reading the tables").splitlines() if line)
        and (re.search(r"A receipt is a dict with (.*)\.", TEXT)[1])
    )
    fields = re.findall(r"`(\w+)`", line)
    assert set(fields) == set(row) - {"urgency", "description", "payload", "metadata"}


def test_action_types_are_those_with_a_handler():
    """The types are those with a handler, and each has the fields of its payload's model."""
    documented = {row[0].strip("`"): row for row in expected.rows(section("## Action types"))}
    assert documented.keys() == ACTION_HANDLERS.keys()
    assert PAYLOADS.keys() == ACTION_HANDLERS.keys()
    for name, fields in expected.action_types().items():
        said = re.findall(r"`(\S+)`", documented[name][1])
        assert said == fields, name
        urgency = PAYLOADS[name].urgency
        assert documented[name][2] == str(urgency)


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_tables(table):
    """Columns with their types, key and indices are those of the schema."""
    text = section(f"### {table}")
    assert [row[:2] for row in expected.rows(text)] == expected.tables()[table]
    assert expected.keys_and_indices()[table] in text
    assert all(row[2] for row in expected.rows(text)), "each column says what it means"


def test_no_table_that_is_not_there():
    """The headings below Tables are the tables, and the folder."""
    headings = re.findall(r"^### (.*)$", section("## Tables"), re.MULTILINE)
    assert headings == [*(table.name for table in TABLES), "The data folder"]


def test_statuses_and_kinds():
    """The statuses are those of the code, their successors too; so are the kinds of rows."""
    documented = expected.rows(section("## Statuses"))
    assert [row[0].strip("`") for row in documented] == [status.value for status in Status]
    for row in documented:
        assert set(re.findall(r"`(\w+)`", row[2])) <= {status.value for status in Status}
    kinds = {cell.strip("`") for cell in first_cells(section("## Kinds of rows"))}
    assert kinds == expected.kinds()


@pytest.mark.parametrize(
    ("head", "dotted"),
    [
        ("| StepResult | meaning |", "agent_core.agent.results.StepResult"),
        ("| FinalResult | meaning |", "agent_core.agent.results.FinalResult"),
        ("| field | meaning |", "reins.health.Health"),
    ],
)
def test_fields(head, dotted):
    """Results and health have the fields that they are said to have."""
    text = TEXT[TEXT.index(head) :]
    assert [cell.strip("`") for cell in first_cells(text)] == expected.fields_of(dotted)


def test_what_a_type_defines():
    """Every name in the table of agent types is one of the base's."""
    for cell in first_cells(section("## Agent types")):
        name = cell.strip("`").partition("(")[0]
        assert hasattr(LoopingAgentBase, name) or name in AgentBase.__annotations__, name
    assert list(AgentConfig.model_fields) == ["heartbeat_s", "route", "budget", "on", "since"]


def test_the_ways_to_call_the_model_are_those_of_the_code():
    """Every way to call it is there, and a Completion has the fields that it is said to have."""
    text = section("## Agent types")
    for cell in first_cells(text[text.index("| of the model |") :]):
        assert hasattr(Model, re.match(r"`await model\.(\w+)\(", cell)[1]), cell
    said = re.search(r"A Completion has ([^.]*)\.", text)[1]
    assert set(re.findall(r"`(\w+)`", said)) == set(expected.fields_of("reins.llm.Completion"))


def test_the_file_of_routes_has_each_key_and_kind_of_error():
    """Every key, with its default; and every kind of error, with what becomes of it."""
    text = section("## Routes")
    of_a_route = expected.rows(text[text.index("| key of a route |") :])
    named = {name: row[1] for row in of_a_route for name in re.findall(r"`(\w+)`", row[0])}
    fields = RouteEntry.model_fields
    assert list(named) == list(fields)
    for name, field in fields.items():
        if isinstance(field.default, (int, float)):
            assert named[name] == f"{field.default:g}", name
    of_the_file = [row[0].strip("`") for row in expected.rows(text[text.index("| key |") :])]
    nested = [f"embeddings.{name}" for name in EmbeddingsEntry.model_fields]
    assert set(of_the_file) == set(ModelsFile.model_fields) - {"routes", "embeddings"} | {*nested}
    kinds = {row[0].strip("`"): row for row in expected.rows(text[text.index("| kind |") :])}
    assert set(kinds) == set(get_args(Kind))
    for kind, row in kinds.items():
        assert (row[2] == "yes") == (kind in RETRYABLE - {"circuit_open", "unfit"}), kind
        assert (row[3] == "counts") == (kind in COUNTED), kind


def test_budgets_are_those_of_their_model():
    """The scopes and limits of a budget are those of its model, and the example is taken."""
    text = section("## Budgets")
    assert set(Budget.model_fields) | set(Limits.model_fields) <= set(re.findall(r"`(\w+)`", text))
    [(_, example)] = expected.blocks(text)
    assert SetBudget.model_validate_json(example).changes() == {"cost_usd": 2.5}


def persona_table(head):
    """The rows of one of the tables of personas, by the names in their first cells."""
    text = section("## Personas")
    found = expected.rows(text[text.index(f"| {head} |") :])
    return {row[0].strip("`"): row[1:] for row in found}


def test_the_configuration_of_personas_is_that_of_their_model():
    """Fields, defaults and limits of a persona's configuration."""
    documented = persona_table("config")
    limits = expected.limits_of(PersonaConfig)
    assert documented.keys() == limits.keys()
    for name, (default, between) in limits.items():
        said_default, said_between, meaning = documented[name]
        assert said_default == default, name
        assert said_between.startswith(between), name
        assert meaning


def test_the_state_and_silences_of_personas():
    """What a persona keeps, and every reason for its silence."""
    assert persona_table("state").keys() == PersonaState.model_fields.keys()
    assert list(persona_table("silence")) == list(get_args(Reason))


def test_what_a_persona_says_of_its_context():
    """Every part of what the log keeps of a call is named."""
    [_, meaning] = next(row for row in persona_table("payload").items() if row[0] == "context")
    assert set(re.findall(r"`(\w+)`", meaning[0])) == Context("", [], None, []).shown().keys()


def test_the_guidance_of_personas_is_taken_as_it_is_shown():
    """Each kind of guidance is shown as it is taken, and there is no other."""
    known = TypeAdapter(PersonaAgent.Guidance)
    shown = [cell for cell in persona_table("guidance") if cell.startswith("{")]
    assert {type(known.validate_json(cell)) for cell in shown} == {
        *get_args(get_args(PersonaGuidance)[0])
    }
    text = section("## Personas")
    assert f"up to {manner.INSTRUCTION_CHARS} characters" in text
    assert manner.MOST_INSTRUCTIONS == 5, "the newest five are kept"


def test_panelists_are_those_of_their_models():
    """Configuration, guidance, state and report."""
    text = section("## Panelists")
    tables = {}
    for head in ("config", "guidance", "state"):
        rows = expected.rows(text[text.index(f"| {head} |") :])
        tables[head] = {row[0].strip("`"): row[1:] for row in rows}
    limits = expected.limits_of(PanelistConfig)
    assert tables["config"].keys() == limits.keys()
    for name, (default, between) in limits.items():
        assert tables["config"][name][0] == default, name
        assert tables["config"][name][1].startswith(between), name
    facts = PanelistConfig.model_json_schema()["properties"]["facts"]
    assert tables["config"]["facts"][1] == (
        f"up to {facts['maxItems']} texts of {facts['items']['maxLength']} characters"
    )
    shown = [cell for cell in tables["guidance"] if cell.startswith("{")]
    known = TypeAdapter(PanelistGuidance)
    assert {type(known.validate_json(cell)) for cell in shown} == {
        *get_args(get_args(PanelistGuidance)[0])
    }
    assert tables["state"].keys() == PanelistState.model_fields.keys()
    reported = text[text.index("Its FinalResult") :]
    assert PanelistReport.model_fields.keys() <= set(re.findall(r"`(\w+)`", reported))


def test_plan_sessions_are_those_of_their_models():
    """Configuration, guidance, state, and the actions that are always there."""
    text = section("## Plan sessions")
    tables = {}
    for head in ("config", "built-in action", "guidance", "state"):
        found = expected.rows(text[text.index(f"| {head} |") :])
        tables[head] = {row[0].strip("`"): row[1:] for row in found}
    limits = expected.limits_of(PlanConfig)
    assert tables["config"].keys() == limits.keys()
    for name in limits.keys() - {"state"}:  # its default is made anew each time
        assert tables["config"][name][0] == limits[name][0], name
        assert name == "plan" or tables["config"][name][1].startswith(limits[name][1]), name
    begun = PlanConfig(name="research").state
    assert tables["config"]["state"][0] == f"`{json.dumps(begun)}`"
    assert tables["built-in action"].keys() == built_in.actions.keys()
    shown = [cell for cell in tables["guidance"] if cell.startswith("{")]
    taken = [TypeAdapter(PlanGuidance).validate_json(cell) for cell in shown]
    assert [type(each) for each in taken] == [*get_args(get_args(PlanGuidance)[0])]
    assert list(tables["state"]) == list(PlanState.model_fields)


def test_what_plans_are_made_of():
    """Every public method of a registry of actions, and all that an action is given."""
    text = section("## Plans")
    named = " ".join(first_cells(text[text.index("| `Actions` |") :]))
    methods = {name for name, value in vars(Actions).items()
               if inspect.isfunction(value) and not name.startswith(("_", "get"))}  # fmt: skip
    assert set(re.findall(r"`(\w+)", named)) == methods
    given = " ".join(first_cells(text[text.index("| `ctx` |") :])).replace("await ", "")
    known = {each for each in dir(PlanContext) if not each.startswith("_")}
    assert set(re.findall(r"`(\w+)", given)) == known - {
        "said",
        "spent",
        "calls",
        "is_waiting",
        "runs_on",
    }


def test_commands_are_those_of_the_parser():
    """The commands of `python -m queue_imp`, with their arguments and help, are the parser's."""
    text = section("### python -m queue_imp")
    assert re.findall(r"^#### (.*)$", text, re.MULTILINE) == list(expected.commands())
    for name, arguments in expected.commands().items():
        part = expected.section(TEXT, f"#### {name}")
        said = [[cell, "" if text == "-" else text] for cell, text in expected.rows(part)]
        assert said == arguments, name
        assert expected.command_helps()[name][1:] in part


def test_entry_points_and_targets():
    """Flags of both entry points, and make's targets, are all there and all true."""
    documented = {row[0].strip("`"): row[1] for row in expected.rows(section("## Commands"))}
    for command, entry in (("python app.py", "app.py"), ("python -m agents", "agents.py")):
        assert set(re.findall(r"`(--[\w-]+)`", documented[command])) == expected.flags_of(entry)
    makefile = (expected.ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    said = {name.removeprefix("make ") for name in documented if name.startswith("make ")}
    assert said == set(targets)


def test_verbs():
    """Every verb of `reins` that `python -m queue_imp` does not have stands in the table."""
    documented = {cell.strip("`") for cell in first_cells(section("## Commands"))}
    said = {name.removeprefix("reins ") for name in documented if name.startswith("reins ")}
    assert said == expected.verbs() - set(expected.commands())


def test_the_checks_of_a_folder_are_those_of_the_code():
    """Every check of `reins store verify`, with what holds, and every field of its JSON."""
    fields, checks = section("### reins store verify").split("| check |")
    said = {name.strip("`"): holds for name, holds in expected.rows(f"| check |{checks}")}
    assert said == HOLDS
    report = Report(Path("data"), 0, 0, 0, 0, [])
    assert set(re.findall(r"`(\w+)`", " ".join(first_cells(fields)))) == set(report.as_dict())


def test_exit_codes():
    """The codes that the entry points return."""
    codes = {cell.strip("`") for cell in first_cells(section("## Exit codes"))}
    assert {str(agents.EXIT_OWNED), str(EXIT_UNUSABLE), "0", "1", "130"} == codes


def test_requests_are_those_that_the_api_describes():
    """The requests are those that the API describes, and the description itself."""
    described = json.loads((expected.ROOT / "reins" / "web" / "http" / "openapi.json").read_text())[
        "paths"
    ]
    requests = {f"`{method.upper()} {path}`" for path, of in described.items() for method in of}
    said = [
        row[0]
        for row in expected.rows(section("## HTTP"))
        if row[0].startswith(("`GET", "`P", "`D"))
    ]
    assert set(said) == requests | {"`GET /api/openapi.json`", f"`GET {metrics.PATH}`"}
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("head", "figures"),
    [
        ("| metric | meaning |", metrics.OF_WEB),
        ("| metric of the worker | meaning |", metrics.OF_WORKER),
        ("| metric of a route | meaning |", metrics.OF_ROUTES),
        ("| metric of a tool | meaning |", metrics.OF_TOOLS),
        ("| metric of an MCP server | meaning |", mcp_figures.OF_MCP),
    ],
)
def test_metrics(head, figures):
    """Every figure with its text, and those of the process that the library adds."""
    text = section("## Metrics")
    said = expected.rows(text[text.index(head) :])
    assert said == [[f"`{figure.name}`", figure.text] for figure in figures]
    assert re.findall(r"`(process_\w+)`", text)


def test_tools_are_those_that_come_along():
    """Every built-in tool with its set and risk, every field of a policy, every kind of outcome."""
    text = section("## Tools")
    said = {row[0].strip("`"): row[1:3] for row in expected.rows(text[text.index("| tool |") :])}
    tools = Registry.load().tools
    assert said == {name: [f"`{t.group}`", t.policy.risk.name] for name, t in tools.items()}
    fields = first_cells(text[text.index("| policy |") :])
    assert [each.strip("`") for each in fields] == [
        each.name for each in dataclasses.fields(Policy)
    ]
    kinds = first_cells(text[text.index("| kind of outcome |") :])
    assert [each.strip("`") for each in kinds] == list(get_args(outcome.Kind))


def test_tools_and_resources_of_the_mcp_server():
    """Every tool with its arguments, hints and description; every address; every version."""
    text = section("## MCP")
    assert expected.rows(text[text.index("| tool |") :]) == expected.served_tools()
    addresses = expected.rows(text[text.index("| resource |") :])
    assert [row[:2] for row in addresses] == [
        [f"`{each['uriTemplate']}`", f"`{each['mimeType']}`"] for each in resources.templates()
    ]
    for version in (eras.MODERN, *eras.HANDSHAKE):
        assert version in text


def test_spans():
    """Every attribute of a span is named, and no other."""
    source = (expected.ROOT / "reins" / "spans.py").read_text()
    names = set(re.findall(r'^_[A-Z_]+ = "([a-z_.]+)"$', source, re.MULTILINE))
    said = set(re.findall(r"`((?:gen_ai|reins|error|http)\.[a-z_.]+)`", section("## Spans")))
    assert said == names


def test_sockets():
    """Requests and events of the rooms are those of the code."""
    source = "".join(
        (expected.ROOT / "reins" / "web" / "live" / f"{name}.py").read_text()
        for name in ("sockets", "feed", "steps", "rooms", "conversations", "inbox", "typing")
    )
    asks = set(re.findall(r'"((?:un)?subscribe\w*|writes)": \(', source))
    events = set(re.findall(r'(?:emit|_message)\(\s*"(\w+)"', source))
    said = set(re.findall(r"^\| `(\w+)` \|", section("## Socket.IO"), re.MULTILINE))
    assert said == asks | events
