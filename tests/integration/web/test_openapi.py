"""The API's description: as committed, valid, and about every address there is."""

from openapi_spec_validator import validate

from reins.web.http import openapi_file as openapi
from tests.integration.web.support import DOCUMENT


def test_the_committed_description_is_that_of_the_code(settings):
    """What changes the API changes its file too: `python -m reins.web.http.openapi_file`."""
    assert openapi.FILE.read_bytes() == openapi.document()


def test_it_is_valid():
    """OpenAPI 3.1, without a reference to nowhere."""
    validate(DOCUMENT)


def test_it_is_served(idle):
    """At /api/openapi.json, the same."""
    answer = idle.client.get("/api/openapi.json", base_url="http://127.0.0.1:8700")
    assert answer.json == DOCUMENT


def test_every_operation_says_what_it_does_and_how_it_refuses():
    """A summary, a name of its own, a problem for what is not taken; bodies that are exact."""
    names = []
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            names.append(operation["operationId"])
            assert operation["summary"].endswith(".")
            assert "application/problem+json" in operation["responses"]["422"]["content"]
    assert len(set(names)) == len(names)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if "anyOf" not in schema:  # one of others
            assert schema["additionalProperties"] is False, name
