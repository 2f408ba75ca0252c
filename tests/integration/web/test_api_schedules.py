"""Schedules over HTTP: set, listed, paused, run and removed, each with its receipt."""

import queue_imp as q

ANN = {"actor": "ann"}
DAILY = {**ANN, "topic": "reports", "when": "cron:0 9 * * 1-5", "zone": "Europe/Berlin"}


def listed(api):
    return {row["schedule_id"]: row for row in api.get("/api/schedules")["schedules"]}


def settled(accepted):
    receipt = q.wait_for_action(accepted["action_id"])
    assert receipt["outcome"] == "applied", receipt


def put(api, schedule_id, body, status=202):
    answer = api.ask("PUT", f"/api/schedules/{schedule_id}", json=body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json


def test_a_schedule_is_set_and_listed(api):
    """With when it is due next; what is left out has its default."""
    assert listed(api) == {}
    settled(put(api, "daily", DAILY))
    row = listed(api)["daily"]
    assert row["next_at"].endswith(("T08:00:00.000000+00:00", "T07:00:00.000000+00:00"))
    del row["next_at"], row["created_at"]
    assert row == {
        "schedule_id": "daily", "topic": "reports", "session_id": None, "when": "cron:0 9 * * 1-5",
        "zone": "Europe/Berlin", "catch_up": "latest", "paused_by": None, "last_at": None,
        "message": None, "created_by": "ann",
    }  # fmt: skip


def test_a_schedule_is_paused_resumed_run_and_removed(api):
    """Each by an action; a run publishes its message, with the number in its receipt."""
    settled(put(api, "daily", {**DAILY, "message": {"make": "it"}}))
    api.done("/api/schedules/daily/pause", ANN)
    row = listed(api)["daily"]
    assert (row["paused_by"], row["next_at"]) == ("ann", None)
    ran = api.done("/api/schedules/daily/run", ANN)
    assert ran["applied_seq"] == 1
    assert listed(api)["daily"]["last_at"] is not None
    [row] = api.get("/api/topics/reports")["items"]
    assert row["message"] == {"make": "it"}
    api.done("/api/schedules/daily/resume", ANN)
    assert listed(api)["daily"]["next_at"] is not None
    settled(api.ask("DELETE", "/api/schedules/daily?actor=ann").json)
    assert listed(api) == {}
    for verb in ("pause", "resume", "run"):
        api.post(f"/api/schedules/daily/{verb}", ANN, 404)
    assert api.ask("DELETE", "/api/schedules/daily?actor=ann").status_code == 404


def test_what_cannot_be_is_refused(api):
    """With the field that does not fit; nothing is enqueued."""
    for field, value in (
        ("when", "every:0s"), ("when", "0 9 * * *"), ("when", "cron:61 * * * *"),
        ("when", "cron:0 0 30 2 *"), ("zone", "Europe/Nowhere"), ("zone", "../etc/passwd"),
        ("message", ""), ("topic", "a b"), ("topic", "board.plans"), ("catch_up", "some"),
    ):  # fmt: skip
        problem = put(api, "daily", {**DAILY, field: value}, 422)
        assert problem["problems"][0]["where"] == f"body.{field}", problem
    assert put(api, "@x.0", DAILY, 422)["problems"][0]["where"] == "path.schedule_id"
    assert api.actions() == []
