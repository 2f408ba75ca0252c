"""Facts over HTTP and from a shell: reading along both axes of time, changing, what is refused."""

import queue_imp as q
from reins.cli.main import main

ANN = {"actor": "ann"}


def post(api, what, **body):
    answer = api.ask("POST", f"/api/facts{what}", json={**ANN, **body})
    assert answer.status_code == 202, answer.text
    got = q.wait_for_action(answer.json["action_id"])
    assert got["outcome"] == "applied", got
    return got["action_id"]


def know(api, subject, relation, obj, **more):
    return post(api, "", subject=subject, relation=relation, object=obj, **more)


def told(facts):
    return [(each["subject"], each["relation"], each["object"]) for each in facts]


def test_facts_are_asserted_read_and_changed(api):
    """An entity, its history, its neighbours, a chain, and why; a page at a time."""
    old = know(api, "Ann", "works at", "Elm/Ltd", valid_from="2019", functional=True, source="Mara")
    new = know(api, "Ann", "works at", "Oak Ltd", valid_from="2024", document="doc 1", text="p. 3")
    know(api, "Oak Ltd", "is in", "Bonn")
    got = api.get("/api/facts/entities/ann")
    assert (got["name"], got["names"], got["near"], got["more"]) == ("Ann", ["Ann"], [], 0)
    assert told(got["facts"]) == [("Ann", "works at", "Oak Ltd")]
    then = api.get("/api/facts/entities/Ann?true_at=2020-05")["facts"]
    assert told(then) == [("Ann", "works at", "Elm/Ltd")]
    assert then[0]["ended_by"] == new
    assert api.get("/api/facts/entities/Ann?true_at=2018")["facts"] == []
    before = api.get("/api/facts/entities/Ann?known_at=2020")["facts"]
    assert before == []
    every = api.get("/api/facts/entities/Ann?history=true")["facts"]
    assert [each["fact_id"] for each in every] == [new, old]
    beside = api.get("/api/facts/entities/Oak%20Ltd/neighbours")["items"]
    assert [(each["name"], each["outward"]) for each in beside] == [("Bonn", True), ("Ann", False)]
    one = api.get("/api/facts/entities/Oak%20Ltd/neighbours?relation=IS%20IN")["items"]
    assert [each["name"] for each in one] == ["Bonn"]
    assert api.get("/api/facts/entities/Elm%2FLtd?true_at=2020")["name"] == "Elm/Ltd"
    assert api.get("/api/facts/paths?start=Ann&goal=bonn")["names"] == ["Ann", "Oak Ltd", "Bonn"]
    assert api.get("/api/facts/paths?start=Ann&goal=bonn&steps=1") == {"names": [], "facts": []}
    why = api.get(f"/api/facts/{new}/why")
    fact = why["fact"]
    assert (fact["source"], fact["document"], fact["actor"], fact["text"]) == (
        "doc 1", "doc 1", "ann", "p. 3",
    )  # fmt: skip
    page = api.get("/api/facts?limit=2&q=oak")
    assert told(page["items"]) == [("Oak Ltd", "is in", "Bonn"), ("Ann", "works at", "Oak Ltd")]
    rest = api.get("/api/facts?limit=3&source=Mara")
    assert [each["relation"] for each in rest["items"]] == ["works at", "is a"]
    page = api.get("/api/facts?limit=1")
    page = api.get(f"/api/facts?limit=1&cursor={page['next_cursor']}")
    assert told(page["items"]) == [("Ann", "works at", "Oak Ltd")]


def test_what_was_said_is_taken_back(api):
    """An end, a retraction, a source; each is a change that why tells of."""
    fact_id = know(api, "Ann", "lives in", "Bonn", source="Mara")
    know(api, "Ann", "owns", "a boat", source="Mara")
    post(api, "/end", fact_id=fact_id, at="2024-01-01", text="moved")
    assert told(api.get("/api/facts/entities/Ann")["facts"]) == [("Ann", "owns", "a boat")]
    post(api, "/restore", fact_id=fact_id)
    post(api, "/retract", source="Mara", text="made up")
    assert api.get("/api/facts/entities/Ann")["facts"] == []
    why = api.get(f"/api/facts/{fact_id}/why")
    assert why["fact"]["retracted"]
    assert [(each["op"], each["text"]) for each in why["changes"]] == [
        ("end", "moved"), ("restore", ""), ("retract", "made up"),
    ]  # fmt: skip
    post(api, "/restore", source="Mara")
    post(api, "/retract", fact_id=fact_id)
    assert told(api.get("/api/facts/entities/Ann")["facts"]) == [("Ann", "owns", "a boat")]


def test_aliases_are_decided(api):
    """Names that are near are told; joined by a person, and parted again."""
    know(api, "Mara Schmidt", "works at", "Elm")
    know(api, "Mara Schmitt", "owns", "a boat")
    assert api.get("/api/facts/entities/Mara%20Schmidt")["near"] == ["Mara Schmitt"]
    names = {"name": "Mara Schmidt", "other": "Mara Schmitt"}
    alias = post(api, "/aliases", **names, decision="same")
    got = api.get("/api/facts/entities/mara%20schmitt")
    assert got["names"] == ["Mara Schmidt", "Mara Schmitt"]
    assert len(got["facts"]) == 3
    post(api, "/retract", fact_id=alias)
    assert api.get("/api/facts/entities/Mara%20Schmidt")["near"] == ["Mara Schmitt"]
    post(api, "/aliases", **names, decision="different")
    assert api.get("/api/facts/entities/Mara%20Schmidt")["near"] == []


def test_what_does_not_fit_is_refused(api):
    """At once, with what is there; nothing is enqueued."""
    know(api, "Ann", "is", "here")
    before = len(api.actions())
    fact = {"subject": "a", "relation": "r", "object": "b"}
    for path, body, status in (
        ("", {**fact, "subject": " "}, 422),
        ("", {**fact, "object": "x" * 201}, 422),
        ("", {**fact, "valid_from": "soon"}, 422),
        ("", {**fact, "valid_from": "2020", "valid_to": "2019"}, 422),
        ("", {**fact, "confidence": 0}, 422),
        ("", {**fact, "scope": "agent"}, 422),
        ("", {**fact, "scope": "session", "session_id": "nobody"}, 404),
        ("/end", {"fact_id": "nothing"}, 404),
        ("/end", {"fact_id": "nothing", "at": "soon"}, 422),
        ("/retract", {}, 422),
        ("/retract", {"fact_id": "nothing"}, 404),
        ("/aliases", {"name": "a", "other": "b", "decision": "perhaps"}, 422),
    ):
        answer = api.ask("POST", f"/api/facts{path}", json={**ANN, **body})
        assert answer.status_code == status, (path, body, answer.text)
    for path, status in (
        ("entities/nobody", 404),
        ("entities/nobody/neighbours", 404),
        ("entities/Ann?true_at=soon", 422),
        ("entities/Ann?session_id=nobody", 404),
        ("paths?start=Ann&goal=nobody", 404),
        ("paths?start=Ann&goal=Ann&steps=7", 422),
        ("nothing/why", 404),
    ):
        api.get(f"/api/facts/{path}", status)
    assert len(api.actions()) == before


def test_the_same_from_a_shell(api, capsys):
    """The verbs of `reins fact`."""

    def said(*words):
        capsys.readouterr()
        assert main(["fact", *words]) == 0
        return capsys.readouterr().out

    said("remember", "Ann", "works at", "Elm", "--from", "2019", "--functional", "--actor", "ann",
         "--wait")  # fmt: skip
    said("remember", "Anne", "works at", "Oak", "--wait", "--source", "Mara")
    about = said("about", "Ann").splitlines()
    assert about[0] == "Ann"
    assert "Ann · works at · Elm  2019-01-01 to …  says ann" in about[1]
    fact_id = about[1].split()[-1]
    said("end", fact_id, "--at", "2021", "--wait")
    assert len(said("about", "Ann").splitlines()) == 1
    assert "2019-01-01 to 2021-01-01" in said("about", "Ann", "--history")
    said("restore", fact_id, "--wait")
    said("alias", "Ann", "Anne", "same", "--wait")
    assert "Ann, Anne" in said("about", "Anne")
    assert "works at · Oak" in said("list", "oak", "--source", "Mara")
    assert len(said("paths", "Oak", "Elm").splitlines()) >= 1
    said("retract", "--source", "Mara", "--wait", "--text", "made up")
    assert '"retract"' in said("why", q.facts_about("Oak", history=True)["facts"][0]["fact_id"])
    assert main(["fact", "about", "nobody"]) != 0
    assert "nothing is known of 'nobody'" in capsys.readouterr().err
    assert main(["fact", "retract"]) != 0
