"""`reins store verify`: each check finds its fault and no other; a whole folder has none."""

import contextlib
import json
import shutil
import threading
from itertools import cycle

import pytest

import queue_imp as q
from reins.cli.main import main
from reins.verifying.verify import HOLDS, look, verify
from store.journal import acknowledged
from store.journal.inspection import inspected
from store.journal.notes import noted_files
from store.lance.damage import Missing, keep
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.support import whole_folder
from tests.support.breaking import Breakable
from tests.support.waiting import until
from tests.support.worker import Workers

LOOKS = 3


@pytest.fixture(scope="module")
def workers():
    with Workers() as made:
        yield made


@pytest.fixture(scope="module")
def whole(tmp_path_factory, workers):
    """By whether its worker was killed: a whole folder."""
    made = {}
    for killed in (False, True):
        made[killed] = tmp_path_factory.mktemp("whole") / "data"
        whole_folder.make(made[killed], workers, kill=killed)
    return made


def in_use(folder):
    """The action that guided the session `paused`."""
    [row] = folder.rows("queue", "session_id = 'paused' AND type = 'agent_interrupt'")
    return row


def posts(folder):
    return folder.rows("messages", "session_id IS NULL AND conversation_id = 'c'")


def reply(folder):
    return folder.row("messages", "session_id IS NOT NULL")


def call(folder):
    return folder.row("model_calls", "seq IS NOT NULL AND tokens_in > 0")


BROKEN = {}
"""Case to: the check, all checks that may show the fault, if the worker was killed, the deed."""


def breaks(check, *also, killed=False):
    def take(deed):
        BROKEN[deed.__name__] = (check, {check, *also}, killed, deed)
        return deed

    return take


@breaks("seq_in_order", "steps_in_order")
def a_row_is_missing(folder):
    folder.delete("agent_steps", folder.ticks("runs")[2])


@breaks("seq_in_order")
def two_rows_have_one_seq(folder):
    ticks = folder.ticks("runs")
    folder.put("agent_steps", ticks[3], seq=ticks[2]["seq"])


@breaks("steps_in_order")
def a_step_is_counted_twice(folder):
    folder.put("agent_steps", folder.ticks("runs")[3], step=3)


@breaks("one_identity")
def a_row_has_another_agent(folder):
    folder.put("agent_steps", folder.ticks("runs")[3], agent_id="other")


@breaks("one_identity")
def a_row_has_another_type(folder):
    folder.snapshot(folder.ticks("runs")[3], agent_type="joke")


@breaks("statuses_move", "final_is_last")
def a_session_runs_after_its_end(folder):
    folder.snapshot(folder.ticks("runs")[3], status="completed")


@breaks("statuses_move", "final_is_last", "participants_agree")
def a_session_is_created_again_while_it_runs(folder):
    last = folder.rows("agent_steps", "session_id = 'twice' AND kind = 'final'")[0]
    folder.snapshot(last, status="running")


@breaks("final_is_last")
def a_life_ends_without_a_final_row(folder):
    last = folder.rows("agent_steps", "session_id = 'twice' AND kind = 'final'")[0]
    folder.put("agent_steps", last, kind="status")


@breaks("paused_means_paused")
def a_tick_follows_a_pause(folder):
    folder.snapshot(folder.ticks("runs")[3], status="paused")


@breaks("paused_means_paused")
def a_session_runs_while_it_is_held(folder):
    folder.snapshot(folder.ticks("runs")[3], held={"text": "ticks"})


@breaks("usage_never_falls")
def usage_falls(folder):
    step = folder.ticks("runs")[3]
    usage = json.loads(step["state"])["usage"]
    folder.snapshot(step, usage={**usage, "wall_s": 1_000.0})


@breaks("usage_adds_up")
def a_row_tells_of_more_than_was_taken(folder):
    folder.put("agent_steps", folder.ticks("runs")[3], tokens_in=5)


@breaks("limits_kept")
def a_tick_begins_at_a_limit(folder):
    folder.snapshot(folder.ticks("held")[1], limits={"session": {"ticks": 2}})


@breaks("bounds_kept")
def a_row_is_too_large(folder):
    folder.put("agent_steps", folder.ticks("runs")[3], text="x" * (300 << 10))


@breaks("rows_well_formed", "seq_in_order", "steps_in_order")
def a_snapshot_does_not_parse(folder):
    folder.put("agent_steps", folder.ticks("runs")[3], state="{")


@breaks("states_derived")
def a_state_is_missing(folder):
    folder.delete("agent_state", folder.row("agent_state", "session_id = 'runs'"))


@breaks("states_derived")
def a_state_says_something_else(folder):
    row = folder.row("agent_state", "session_id = 'runs'")
    folder.put("agent_state", row, result="nothing")


@breaks("states_derived")
def a_state_is_behind(folder):
    row = folder.row("agent_state", "session_id = 'runs'")
    before = folder.ticks("runs")[-2]
    history = json.dumps({"log": "agent_steps", "seq": before["seq"]})
    folder.put("agent_state", row, journal_n=before["journal_n"], history=history)


@breaks("states_derived")
def a_state_is_ahead(folder):
    row = folder.row("agent_state", "session_id = 'runs'")
    history = json.dumps({"log": "agent_steps", "seq": 1_000})
    folder.put("agent_state", row, journal_n=folder.next_number(), history=history)


@breaks("states_derived", "participants_agree", "receipts_confirmed", "configs_there")
def a_log_is_gone(folder):
    for row in folder.rows("agent_steps", "session_id = 'paused'"):
        folder.delete("agent_steps", row)


@breaks("states_once", "numbers_unique")
def a_session_has_two_states(folder):
    folder.add("agent_state", folder.row("agent_state", "session_id = 'runs'"))


@breaks("configs_there")
def a_configuration_is_missing(folder):
    folder.delete("agents_config", folder.row("agents_config", "session_id = 'runs'"))


@breaks("configs_there")
def a_configuration_is_of_another_life(folder):
    row = folder.row("agents_config", "session_id = 'twice'")
    other = folder.row("agents_config", "session_id = 'runs'")
    folder.put("agents_config", row, created_at=other["created_at"])


@breaks("items_in_log")
def an_item_has_another_state(folder):
    folder.put("inbox", folder.row("inbox", "session_id = 'waits'"), state="approved")


@breaks("items_in_log")
def an_item_is_missing(folder):
    folder.delete("inbox", folder.row("inbox", "session_id = 'waits'"))


@breaks("items_in_log")
def an_item_outlives_its_session(folder):
    folder.put("inbox", folder.row("inbox", "session_id = 'over'"), state="asked")


@breaks("items_in_log")
def a_tick_says_nothing_of_what_it_asks(folder):
    folder.put("agent_steps", folder.ticks("waits")[0], payload="{}")


@breaks("rules_have_items")
def a_rule_is_missing(folder):
    folder.delete("approval_rules", folder.row("approval_rules", "effect = 'allow'"))


@breaks("rules_have_items")
def a_rule_allows_what_was_rejected(folder):
    folder.put("approval_rules", folder.row("approval_rules", "effect = 'deny'"), effect="allow")


@breaks("rules_have_items")
def no_decision_made_a_rule(folder):
    row = folder.row("inbox", "session_id = 'allowed'")
    folder.put("inbox", row, rule_id=None)


@breaks("messages_in_order")
def a_message_has_another_number(folder):
    folder.put("messages", posts(folder)[0], number=400)


@breaks("messages_in_order", "receipts_confirmed")
def a_message_is_missing(folder):
    folder.delete("messages", posts(folder)[0])


@breaks("message_ids_unique", "receipts_confirmed")
def two_messages_have_one_id(folder):
    one, two = posts(folder)[:2]
    folder.put("messages", two, message_id=one["message_id"])


@breaks("replies_have_ticks")
def a_reply_says_something_else(folder):
    folder.put("messages", reply(folder), text="nothing")


@breaks("replies_have_ticks", "messages_in_order")
def a_reply_is_missing(folder):
    folder.delete("messages", reply(folder))


@breaks("replies_have_ticks")
def a_tick_of_a_reply_says_nothing_of_it(folder):
    [tick] = [row for row in folder.rows("agent_steps", "kind = 'tick'")
              if json.loads(row["payload"] or "{}").get("message_id")
              == reply(folder)["message_id"]]  # fmt: skip
    folder.put("agent_steps", tick, payload="{}")


@breaks("posts_have_actions")
def a_message_has_no_action(folder):
    row = folder.row("queue", "type = 'post_message'")
    folder.put("queue", row, type="environment_reload", payload="{}")


@breaks("conversations_there", "receipts_confirmed")
def a_conversation_is_missing(folder):
    folder.delete("conversations", folder.row("conversations"))


@breaks("participants_agree")
def one_that_is_over_has_not_left(folder):
    folder.put("participants", folder.row("participants", "session_id = 'left'"), left_at=None)


@breaks("participants_agree")
def two_have_one_name(folder):
    folder.put("participants", folder.row("participants", "name = 'Cy'"), name="DI")


@breaks("actions_applied_once")
def an_action_was_applied_twice(folder):
    ids = json.dumps([in_use(folder)["action_id"]])
    folder.put("agent_steps", folder.ticks("runs")[3], applied_actions=ids)


@breaks("actions_queued")
def an_action_is_not_in_the_queue(folder):
    folder.delete("queue", in_use(folder))


@breaks("outcomes_complete")
def a_processed_action_has_no_outcome(folder):
    folder.put("queue", folder.row("queue", "type = 'environment_reload'"), outcome=None)


@breaks("outcomes_complete")
def a_rejection_has_no_reason(folder):
    folder.put("queue", folder.row("queue", "outcome = 'rejected'"), error=None)


@breaks("receipts_confirmed")
def a_receipt_names_another_row(folder):
    folder.put("queue", in_use(folder), applied_seq=1)


@breaks("receipts_confirmed")
def a_rejected_action_has_an_effect(folder):
    folder.put("queue", in_use(folder), outcome="rejected", error="no", applied_seq=None)


@breaks("unmarked_remembered")
def an_applied_action_would_be_applied_again(folder):
    row = folder.row("queue", "session_id = 'runs' AND type = 'create_agent'")
    folder.put("queue", row, processed=False, outcome=None, applied_seq=None, processed_at=None)


@breaks("unmarked_remembered", "states_derived")
def a_snapshot_remembers_what_was_not_applied(folder):
    folder.snapshot(folder.ticks("runs")[-1], unmarked={"act_x": 2})
    for row in folder.rows("agent_steps", "session_id = 'runs'")[-1:]:
        folder.snapshot(row, unmarked={"act_x": 2})


@breaks("numbers_unique")
def two_rows_have_one_number(folder):
    number = folder.ticks("runs")[3]["journal_n"]
    folder.put("conversations", folder.row("conversations"), journal_n=number)


@breaks("numbers_given", "acknowledged_there")
def the_journal_is_younger_than_the_tables(folder):
    folder.sql("UPDATE position SET flushed = 3")


@breaks("journal_whole", "seq_in_order", "steps_in_order", "usage_adds_up", "states_derived",
        "replies_have_ticks", "receipts_confirmed", "messages_in_order", "calls_have_rows",
        "participants_agree", "configs_there", "unmarked_remembered",
        "statuses_move", killed=True)  # fmt: skip
def a_group_is_missing(folder):
    [(first,)] = folder.sql(
        "SELECT first FROM record_group WHERE tbl = 'agent_steps' ORDER BY first LIMIT 1 OFFSET 9"
    )
    folder.sql("DELETE FROM record_group WHERE first = ?", first)


@breaks("journal_whole", *BROKEN["a_group_is_missing"][1], killed=True)
def a_record_is_torn(folder):
    """Where its group is from before there were checksums."""
    [(first, body)] = folder.sql(
        "SELECT first, body FROM record_group WHERE tbl = 'agent_steps' ORDER BY first LIMIT 1"
    )
    folder.sql("UPDATE record_group SET body = ?, crc = NULL WHERE first = ?", body[:-9], first)


@breaks("journal_whole", "calls_counted", "calls_have_rows", killed=True)
def a_bit_of_the_journal_is_flipped(folder):
    """In the name of a column, which a reader would look for."""
    folder.sql(
        "UPDATE record_group SET body = CAST(replace(body, 'tokens_in', 'tokens_io') AS BLOB)"
        " WHERE tbl = 'model_calls'"
    )


@breaks("journal_agrees", killed=True)
def a_record_is_otherwise_in_its_table(folder):
    [(first, body)] = folder.sql(
        "SELECT first, body FROM record_group WHERE tbl = 'agent_steps' ORDER BY first LIMIT 1"
    )
    row = json.loads(body.split(b"\n")[0])
    folder.db.open_table("agent_steps").add(
        [{**{k: v for k, v in row.items() if v is not None}, "cost_usd": 1.5, "journal_n": first}]
    )


BROKEN["a_record_is_otherwise_in_its_table"][1].update({"usage_adds_up", "states_derived"})


@breaks("journal_agrees", "states_derived", killed=True)
def a_record_would_be_passed_over(folder):
    [(first, body)] = folder.sql(
        "SELECT first, body FROM record_group WHERE tbl = 'agent_steps' ORDER BY first DESC LIMIT 1"
    )
    row = json.loads(body.split(b"\n")[0])
    folder.db.open_table("agent_steps").add(
        [{**{k: v for k, v in row.items() if v is not None}, "journal_n": first}]
    )


@breaks("tables_read", "files_unchanged")
def a_data_file_is_zeros(folder):
    folder.zero("model_calls.lance/data/*.lance")


@breaks("tables_read", "files_unchanged")
def a_manifest_is_zeros(folder):
    folder.zero("messages.lance/_versions/*.manifest")


@breaks("tables_read")
def every_manifest_is_gone(folder):
    shutil.rmtree(folder.path / "messages.lance" / "_versions")


@breaks("files_unchanged")
def another_actor_is_read(folder):
    """One bit of a name: the table reads, and nothing else tells."""
    for path in (folder.path / "agents_config.lance" / "data").glob("*.lance"):
        if (place := path.read_bytes().find(b"tester")) > 0:
            folder.flip(path, place)


@breaks("acknowledged_there", "receipts_confirmed", "documents_whole", killed=True)
def the_log_of_the_journal_is_gone(folder):
    (folder.path / "journal.sqlite-wal").unlink()


@breaks("queue_acknowledged")
def the_queue_has_lost_its_end(folder):
    """Of a copy that was made too early, say."""
    with contextlib.closing(acknowledged.Note(folder.path / "queue.sqlite", "power")) as note:
        note.write(1 << 40)


@breaks("indices_agree")
def an_index_is_zeros(folder):
    folder.db.open_table("queue").optimize()  # until then it is made of no rows
    folder.zero("queue.lance/_indices/*/*.lance")


@breaks("versions_kept")
def a_table_was_rolled_back(folder):
    folder.sql("UPDATE synced SET version = version + 100 WHERE tbl = 'messages'")


@breaks("nothing_missing")
def a_repair_has_noted_what_is_gone(folder):
    keep(folder.path, [Missing("messages", 2, "zeros", ((7, 8),), {"c": ((3, 4),)})])


@breaks("nothing_set_aside")
def rows_were_set_aside(folder):
    (folder.path / "damaged").mkdir()
    (folder.path / "damaged" / "journal-messages-7.jsonl").write_text("{}\n")


@breaks("minds_folded")
def a_piece_of_evidence_is_missing(folder):
    folder.delete("evidence", folder.row("evidence"))


@breaks("minds_folded")
def a_memory_is_another(folder):
    folder.put("memories", folder.row("memories", "scope = 'session'"), value="2")


@breaks("memories_numbered", "receipts_confirmed")
def a_version_of_a_shared_memory_is_missing(folder):
    folder.delete("memories", folder.row("memories", "scope = 'shared' AND version = 1"))


@breaks("facts_rooted", "receipts_confirmed")
def a_fact_is_missing_that_was_ended(folder):
    folder.delete("facts", folder.row("facts", "op = 'assert'"))


@breaks("boards_announced")
def a_value_of_a_board_is_another(folder):
    folder.put("kv", folder.row("kv"), value="3")


@breaks("boards_announced")
def a_value_of_a_board_is_missing(folder):
    folder.delete("kv", folder.row("kv"))


@breaks("boards_announced")
def a_value_of_a_board_is_ahead(folder):
    folder.put("kv", folder.row("kv"), version=9)


@breaks("documents_whole")
def a_chunk_is_missing(folder):
    folder.delete("chunks", folder.row("chunks", "number = 2"))


@breaks("documents_whole")
def a_chunk_has_another_text(folder):
    folder.put("chunks", folder.row("chunks"), text="nothing")


@breaks("documents_whole")
def a_version_is_missing(folder):
    folder.delete("documents", folder.row("documents"))


@breaks("blobs_whole")
def a_file_of_a_document_is_missing(folder):
    next((folder.path / "blobs").iterdir()).unlink()


@breaks("blobs_whole")
def a_file_of_a_document_has_other_bytes(folder):
    folder.flip(next((folder.path / "blobs").iterdir()), 0)


@breaks("calls_unique", "calls_counted")
def a_call_is_there_twice(folder):
    folder.add("model_calls", call(folder), journal_n=folder.next_number())


@breaks("calls_have_rows")
def a_call_has_no_row(folder):
    folder.put("model_calls", call(folder), seq=9_000)


@breaks("calls_counted")
def a_call_took_more_than_its_row_says(folder):
    folder.put("model_calls", call(folder), tokens_in=9_000)


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_each_fault_is_found_and_named(case, whole, tmp_path):
    """What was broken is found, and nothing that was not."""
    check, expected, killed, deed = BROKEN[case]
    folder = Breakable(whole[killed], tmp_path / "data")
    deed(folder)
    report = verify(folder.path)
    found = {finding.check for finding in report.findings}
    assert check in found, report
    assert found <= expected, report


def test_a_bit_of_any_file_is_found(whole, tmp_path):
    """Of data and of manifests, of each table that has rows, at its begin, within it, at its end;
    also where LanceDB panics at it."""
    files = Breakable(whole[False], tmp_path / "data")
    with inspected(files.path / "journal.sqlite") as connection:
        noted = noted_files(connection)
    tables = {table: path for table, path in noted if path.startswith("data/")}
    heads = {table: path for table, path in noted if path.startswith("_versions/")}
    assert len(tables) >= 6
    parts = cycle((0.0, 0.3, 0.999, 0.7))
    for table, name in (*tables.items(), *heads.items()):
        path, part = files.path / f"{table}.lance" / name, next(parts)
        content = path.read_bytes()
        files.flip(path, int(len(content) * part))
        found = [f for f in look(files.path).findings if f.check == "files_unchanged"]
        assert [(f.about["table"], f.about["file"]) for f in found] == [(table, name)], path
        path.write_bytes(content)
    assert look(files.path).findings == []


def test_a_bit_of_a_zone_of_time_is_found(whole, tmp_path):
    """A table of which it is said reads, and still makes no rows: no zone has that name."""
    files = Breakable(whole[False], tmp_path / "data")
    with inspected(files.path / "journal.sqlite") as connection:
        heads = [(table, name) for table, name in noted_files(connection) if "_versions/" in name]
    for table, name in heads:
        path = files.path / f"{table}.lance" / name
        content = path.read_bytes()
        files.flip(path, content.index(b"timestamp:us:UTC") + len("timestamp:us:"))
        report = look(files.path)
        assert name in [f.about.get("file") for f in report.findings]
        path.write_bytes(content)
    assert look(files.path).findings == []


def test_each_check_is_shown_to_find_something():
    """No check is without a case that breaks what it is for."""
    assert {check for check, *_ in BROKEN.values()} == set(HOLDS)


@pytest.mark.parametrize("killed", [False, True])
def test_a_whole_folder_has_no_findings(killed, whole):
    """Stopped cleanly, or killed with everything still in its journal."""
    report = look(whole[killed])
    assert report.findings == []
    assert not report.not_checked
    assert report.rows > 20
    assert report.actions > 10


@pytest.mark.parametrize("killed", [False, True])
def test_it_changes_nothing(killed, whole, tmp_path):
    """No file of the folder is written, made or folded into another, but SQLite's shared memory."""
    folder = shutil.copytree(whole[killed], tmp_path / "data")
    assert killed == (folder / "journal.sqlite-wal").exists()
    before = contents(folder)
    assert verify(folder).ok
    assert contents(folder) == before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith("-shm")}  # fmt: skip


def test_an_action_that_was_sent_again_is_no_fault(whole, tmp_path):
    """Its id waits once more, or was rejected with another content: the first outcome counts."""
    folder = Breakable(whole[False], tmp_path / "data")
    action = in_use(folder)
    folder.add("queue", action, processed=False, outcome=None, applied_seq=None, processed_at=None)
    error = f"{queue.ID_REUSED} of another content"
    folder.add("queue", action, outcome="rejected", error=error, applied_seq=None)
    assert verify(folder.path).findings == []


def test_a_folder_at_work_has_no_findings(tmp_path, workers):
    """Looked at again and again, once each, while hundreds of rows a second are on their way."""
    data = tmp_path / "data"
    writer = queue_writer.writer_at(data)
    for n in range(20):
        config = {"tick": "count", "heartbeat_s": 0.02}
        writer.append(q.create_action("create_agent", "t", agent_id=f"s{n}", agent_type="odd",
                                      config=config))  # fmt: skip
    worker = workers.start(data, tmp_path / "log", REINS_FLUSH_S="0.05")
    over = threading.Event()
    steering = threading.Thread(target=_steer, args=(writer, over))
    steering.start()
    try:
        until(lambda: len(queue_reading.everything(Reader(data), processed=True)) >= 20, "they run")
        reports = [look(data) for _ in range(LOOKS)]
    finally:
        over.set()
        steering.join()
        workers.kill(worker)
    assert [finding for report in reports for finding in report.findings] == []
    assert reports[-1].rows > reports[0].rows
    assert look(data).findings == []


def _steer(writer, over):
    n = 0
    while not over.wait(0.01):
        kind, payload = [
            ("agent_pause", {}), ("agent_resume", {}),
            ("agent_interrupt", {"guidance": {"subject": "tea"}}),
        ][n % 3]  # fmt: skip
        writer.append(q.create_action(kind, "t", agent_id=f"s{n % 20}", **payload))
        n += 1


def test_the_command_says_what_it_found(whole, tmp_path, capsys):
    """Exit code 0, 1 or 2; a line for each finding, or one JSON object."""
    assert main(["store", "verify", "--data", str(whole[False])]) == 0
    assert "all holds: 13 sessions" in capsys.readouterr().out
    folder = Breakable(whole[False], tmp_path / "data")
    a_row_is_missing(folder)
    assert main(["store", "verify", "--data", str(folder.path), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert {"check": "seq_in_order", "session_id": "runs"}.items() <= said["findings"][0].items()
    (folder.path / "journal.sqlite").write_bytes(b"nothing of SQLite's" * 999)
    assert main(["store", "verify", "--data", str(folder.path)]) == 2
    assert "does not read: file is not a database" in capsys.readouterr().err
    assert main(["store", "verify", "--data", str(tmp_path / "nothing")]) == 2
    assert "is no data folder" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()
