"""The mendings that hold up "what is acknowledged stays", each as it is taken out."""

from tests.removals.checkout import Edit, Removal

_STORE = "tests/integration/store"
_DAMAGE, _REPAIR = f"{_STORE}/test_damage.py", f"{_STORE}/test_repair.py"
_PROOF, _CHECKSUMS = f"{_STORE}/test_journal_proof.py", f"{_STORE}/test_checksums.py"
_FLUSH = f"{_STORE}/test_flush.py"
_SYNCS, _QUEUE = f"{_STORE}/test_failed_syncs.py", f"{_STORE}/test_queue.py"
_FILE, _HIGHEST = f"{_STORE}/test_queue_file.py", f"{_STORE}/test_highest_numbers.py"
_ACTIONS = "tests/integration/agent_core/test_actions.py"
_VERIFY = "tests/integration/test_verify.py::test_each_fault_is_found_and_named"
_REFUSED = f"{_DAMAGE}::test_a_system_error_refuses_the_start_and_touches_nothing"
_SMALL = f"{_DAMAGE}::test_a_damaged_fragment_is_set_aside_alone"

_TORN = f"{_REPAIR}::test_a_torn_newest_version_is_written_again_from_the_journal"


AN_EXCEPTION_IS_NOT_DAMAGE = (
    Removal(
        "an error of the system is taken for damage",
        1,
        (
            Edit(
                "store/lance/faults.py",
                "        refuse_if_system(error, what)\n        said",
                "        said",
            ),
        ),
        (_REFUSED,),
    ),
    Removal(
        "errors of the system are not recognised in LanceDB's words",
        1,
        (
            Edit("store/lance/faults.py", "for code in _CODE.findall(said)]", "for code in ()]"),
            Edit("store/lance/faults.py", " if text in said.lower()]", " if text is said]"),
        ),
        (f"{_DAMAGE}::test_a_text_that_names_a_system_error",),
    ),
    Removal(
        "a lack of memory is taken for damage",
        1,
        (Edit("store/lance/faults.py", "if isinstance(error, MemoryError):", "if False:"),),
        (f"{_DAMAGE}::test_what_is_no_system_error",),
    ),
    Removal(
        "what LanceDB cannot look at is taken for absent",
        1,
        (
            Edit(
                "store/lance/tables.py",
                "        if not there or _version",
                "        if 1 or _version",
            ),
        ),
        (f"{_DAMAGE}::test_what_cannot_be_looked_at_is_not_absent",),
    ),
    Removal(
        "whatever SQLite says of the journal is damage",
        1,
        (
            Edit(
                "store/journal/opening.py",
                'if (getattr(error, "sqlite_errorcode", 0) & _PRIMARY) in _DAMAGED:',
                "if True:",
            ),
        ),
        (f"{_DAMAGE}::test_a_journal_that_cannot_be_read_is_not_called_damaged",),
    ),
    Removal(
        "what was safe is rolled back unasked",
        1,
        (Edit("store/lance/repair.py", "    if not roll_back:\n", "    if roll_back is None:\n"),),
        (
            f"{_REPAIR}::test_versions_that_were_safe_and_are_lost_refuse_the_start",
            f"{_DAMAGE}::test_the_last_readable_part_of_a_table_goes_by_a_person_alone",
            f"{_CHECKSUMS}::test_a_changed_manifest_refuses_the_start",
        ),
    ),
    Removal(
        "what the journal has lost is given up unasked",
        1,
        (
            Edit(
                "store/lance/giving_up.py",
                "    if not roll_back:\n",
                "    if roll_back is None:\n",
            ),
        ),
        (
            f"{_PROOF}::test_one_bit_of_the_log",
            f"{_PROOF}::test_a_file_of_the_journal_is_not_there",
            f"{_PROOF}::test_a_group_that_is_not_what_was_committed",
        ),
    ),
)

A_FAILED_SYNC_IS_NOT_REPEATED = (
    Removal(
        "the flush repeats a sync that failed",
        2,
        (Edit("store/flush.py", "        if self._safe.in_doubt:\n", "        if False:\n"),),
        (f"{_SYNCS}::test_the_flush_writes_its_rows_again",),
    ),
    Removal(
        "rows that go back are not written again",
        2,
        (
            Edit(
                "store/flush.py",
                "            self._highest[name] = highest_number(self._tables[name][1])",
                "            del name",
            ),
        ),
        (f"{_SYNCS}::test_the_flush_writes_its_rows_again",),
    ),
    Removal(
        "the queue's part of the flush repeats a sync that failed",
        2,
        (
            Edit(
                "store/queue/flush.py",
                "        self._safe.settle()\n        return failed",
                "        return failed",
            ),
        ),
        (
            f"{_SYNCS}::test_actions_are_carried_over_again",
            f"{_SYNCS}::test_marks_are_written_again_and_all_that_shares_their_files",
        ),
    ),
    Removal(
        "an action that may be in the queue is said not to be",
        2,
        (
            Edit(
                "store/queue/writer.py",
                "            return OutcomeUnknownError(str(failure))",
                "            return StoreError(str(failure))",
            ),
        ),
        (f"{_SYNCS}::test_an_action_that_cannot_be_synced_is_said_to_be_unknown",),
    ),
    Removal(
        "whoever finds an action trusts whoever wrote it",
        2,
        (Edit("reins/sending.py", "        writer().confirm(before)", "        pass"),),
        (f"{_SYNCS}::test_what_another_program_left_in_doubt_is_enqueued",),
    ),
    Removal(
        "actions that the table has already are carried over once more",
        2,
        (Edit("store/queue/flush.py", "        if not self._sure:\n", "        if False:\n"),),
        (
            f"{_SYNCS}::test_actions_are_carried_over_again",
            f"{_SYNCS}::test_what_a_killed_worker_carried_over_is_there_once",
            f"{_SYNCS}::test_a_commit_that_failed_and_is_in_all_the_same",
        ),
    ),
    Removal(
        "a commit that raised is taken for not made",
        2,
        (Edit("store/flush.py", "self._safe.writes(name)", "self._safe.changed(name)"),),
        (f"{_FLUSH}::test_a_commit_that_failed_after_it_was_made_doubles_nothing",),
    ),
    Removal(
        "one writer does not hear of another's failure",
        2,
        (Edit("store/barrier.py", "if before != self._failed:", "if False:"),),
        (
            f"{_SYNCS}::test_each_writer_of_a_folder_hears_of_a_failure",
            f"{_SYNCS}::test_a_failure_while_another_writer_waits_for_its_sync",
        ),
    ),
)

AN_ID_IS_UNIQUE_FOR_ITS_FOLDER = (
    Removal(
        "nobody looks for an id that was processed",
        3,
        (
            Edit(
                "agent_core/dispatch/dispatcher.py",
                "        if not ids:\n            return owners\n",
                "        return owners\n",
            ),
        ),
        (f"{_ACTIONS}::test_an_action_sent_again_has_the_outcome_of_the_first[True]",),
    ),
    Removal(
        "another content under an id gets the outcome of the first",
        3,
        (
            Edit(
                "agent_core/dispatch/dispatcher.py",
                "elif not queue.same_content(action.row, owner):",
                "elif False:",
            ),
        ),
        (f"{_ACTIONS}::test_another_content_under_the_same_id_is_rejected",),
    ),
    Removal(
        "a helper sends another content under an id",
        3,
        (
            Edit(
                "reins/sending.py",
                "    if not queue.same_content(action, before):",
                "    if not before:",
            ),
        ),
        (f"{_ACTIONS}::test_another_content_under_the_same_id_is_rejected",),
    ),
    Removal(
        "of two rows with one id the last one counts",
        3,
        (
            Edit(
                "agent_core/dispatch/dispatcher.py",
                "for action in reversed(new)}",
                "for action in new}",
            ),
        ),
        (f"{_ACTIONS}::test_of_two_with_one_id_the_first_committed_wins",),
    ),
    Removal(
        "rows of one id are not told apart",
        3,
        (
            Edit(
                "store/queue/table.py",
                ".when_matched_update_all(where=SAME_ROW)",
                ".when_matched_update_all()",
            ),
        ),
        (
            f"{_QUEUE}::test_a_row_is_marked_and_not_another_of_its_id",
            f"{_QUEUE}::test_rows_of_one_id_and_time_are_told_apart",
        ),
    ),
)

OLD_DAMAGE_STAYS_SMALL = (
    Removal(
        "a whole table goes with one fragment",
        4,
        (
            Edit(
                "store/lance/diagnosis.py",
                "    if whole is not None:\n        return whole\n",
                "    if bad or whole is not None:\n        return whole or str(bad)\n",
            ),
        ),
        (_SMALL, f"{_DAMAGE}::test_after_a_fragment_was_set_aside_the_table_works"),
    ),
    Removal(
        "the numbers of what is missing are not kept",
        4,
        (Edit("store/lance/repair.py", "        damage.keep(folder, lost)\n", ""),),
        (_SMALL, f"{_DAMAGE}::test_a_fragment_whose_pages_are_zeros_is_set_aside"),
    ),
    Removal(
        "the numbers of what is missing are not said for each session",
        4,
        (
            Edit(
                "store/lance/losses.py",
                "why[:300], as_ranges(gone), own)",
                "why[:300], as_ranges(gone))",
            ),
        ),
        (_SMALL, f"{_DAMAGE}::test_the_last_readable_part_of_a_table_goes_by_a_person_alone"),
    ),
    Removal(
        "verify does not show what is missing",
        4,
        (
            Edit(
                "reins/verifying/files.py",
                "    for entry in missing(facts.snapshot.folder):",
                "    for entry in missing(facts.snapshot.folder / 'nothing'):",
            ),
        ),
        (f"{_VERIFY}[a_repair_has_noted_what_is_gone]",),
    ),
    Removal(
        "pages of zeros within a file are not found",
        4,
        (Edit("store/starting.py", "for deep in (False, True):", "for deep in (False, False):"),),
        (f"{_DAMAGE}::test_a_fragment_whose_pages_are_zeros_is_set_aside",),
    ),
    Removal(
        "a damaged state is not made again from its log",
        4,
        (
            Edit(
                "store/starting.py",
                "if behind or table.name in repaired:",
                "if False:",
            ),
        ),
        (f"{_DAMAGE}::test_the_state_is_made_again_from_the_log",),
    ),
    Removal(
        "a session goes on from an older state in silence",
        4,
        (
            Edit(
                "store/store.py",
                "            hold_in_doubt(self.reader, log, known)",
                "            pass",
            ),
        ),
        (
            f"{_DAMAGE}::test_a_session_whose_newest_row_may_be_lost_is_held",
            f"{_PROOF}::test_a_person_may_go_on_without_what_is_lost",
        ),
    ),
)

THE_END_OF_A_FILE_IS_NO_PROOF = (
    Removal(
        "the highest acknowledged number is not looked at",
        5,
        (
            Edit(
                "store/journal/acknowledged.py",
                "        content = path_of(journal).read_bytes()",
                "        content = b''",
            ),
        ),
        (
            f"{_PROOF}::test_one_bit_of_the_log",
            f"{_PROOF}::test_a_file_of_the_journal_is_not_there",
            f"{_PROOF}::test_a_log_that_was_cut",
            f"{_PROOF}::test_nobody_appends_behind_a_lost_end",
        ),
    ),
    Removal(
        "the highest acknowledged number is not noted",
        5,
        (
            Edit(
                "store/journal/file.py",
                "        connection.note.write(last)",
                "        del last",
            ),
        ),
        (
            f"{_PROOF}::test_a_file_of_the_journal_is_not_there",
            f"{_PROOF}::test_a_log_that_was_cut",
        ),
    ),
    Removal(
        "nobody looks behind the place where SQLite ends the log",
        5,
        (
            Edit(
                "store/journal/proof.py",
                "wal.damaged_from(path, page_bytes) if number else None",
                "None",
            ),
        ),
        (f"{_PROOF}::test_the_log_alone_tells_of_a_frame_in_its_middle",),
    ),
    Removal(
        "the journal is opened for writing before it is proven",
        5,
        (Edit("store/journal/proof.py", "?mode=ro", "?mode=rw"),),
        (f"{_PROOF}::test_one_bit_of_the_log",),
    ),
    Removal(
        "the groups' checksums are not looked at",
        5,
        (Edit("store/journal/file.py", "    if _whole(run, body):", "    if True:"),),
        (
            f"{_PROOF}::test_a_group_that_is_not_what_was_committed",
            f"{_PROOF}::test_a_group_that_goes_bad_while_the_worker_runs",
        ),
    ),
    Removal(
        "numbers that were given out are given out again",
        5,
        (
            Edit(
                "store/starting.py",
                "log.raise_flushed(max(last, *opened.highest.values()))",
                "log.raise_flushed(max(0, *opened.highest.values()))",
            ),
        ),
        (f"{_PROOF}::test_a_person_may_go_on_without_what_is_lost",),
    ),
    Removal(
        "a noted number counts for a version that it was not noted for",
        5,
        (
            Edit(
                "store/starting.py",
                "known = handle.version == version and not repaired",
                "known = version > 0 and not repaired",
            ),
        ),
        (f"{_HIGHEST}::test_a_kill_between_the_commit_and_its_note",),
    ),
    Removal(
        "a process beside the worker appends behind a lost end",
        5,
        (Edit("store/journal/opening.py", "        if not proven:\n", "        if False:\n"),),
        (f"{_PROOF}::test_nobody_appends_behind_a_lost_end",),
    ),
    Removal(
        "the files' checksums are not noted",
        5,
        (
            Edit(
                "store/flush.py",
                "                self._journal.call(lambda log: log.note_files(new, gone))",
                "                pass",
            ),
        ),
        (
            f"{_CHECKSUMS}::test_every_file_of_the_newest_version_is_noted",
            f"{_CHECKSUMS}::test_a_changed_manifest_refuses_the_start",
        ),
    ),
    Removal(
        "the files are not read again",
        5,
        (
            Edit(
                "store/lance/checksums.py",
                "        return (size, crc) != noted",
                "        return False",
            ),
        ),
        (f"{_CHECKSUMS}::test_the_thread_says_which_rows_are_in_a_changed_file",),
    ),
    Removal(
        "a manifest that reads is taken as it is",
        5,
        (
            Edit(
                "store/lance/diagnosis.py",
                "    if noted is not None and noted != (len(content), zlib.crc32(content)):",
                "    if False:",
            ),
        ),
        (f"{_CHECKSUMS}::test_a_changed_manifest_refuses_the_start",),
    ),
    Removal(
        "verify does not read the checksums",
        5,
        (
            Edit(
                "reins/verifying/files.py",
                "changed_files(facts.snapshot.folder, facts.snapshot.pending.sums):",
                "changed_files(facts.snapshot.folder, {}):",
            ),
        ),
        (
            f"{_VERIFY}[another_actor_is_read]",
            "tests/integration/test_verify.py::test_a_bit_of_any_file_is_found",
        ),
    ),
    Removal(
        "what was written since the last synced version is not read before the start",
        5,
        (
            Edit(
                "store/lance/diagnosis.py",
                "set(version.fragments) if deep else new)",
                "set(version.fragments) if deep else set())",
            ),
        ),
        (f"{_TORN}[data_files-zero_texts-agent_steps]",),
    ),
)

ORDER_COMES_FROM_THE_STORE = (
    Removal(
        "what waits is ordered by clocks",
        6,
        (
            Edit(
                "store/queue/file.py",
                "WHERE {where} ORDER BY n LIMIT",
                "WHERE {where} ORDER BY created_us LIMIT",
            ),
        ),
        (
            f"{_QUEUE}::test_unprocessed_actions_come_by_urgency_and_then_by_commit",
            f"{_ACTIONS}::test_what_waits_is_applied_in_the_order_of_its_commit",
        ),
    ),
    Removal(
        "what waits is ordered by the rows' places",
        6,
        (
            Edit(
                "store/lance/ordering.py",
                "    place = pc.fill_null(pc.fill_null_forward(found[number]), 0)",
                "    place = pa.array([0] * found.num_rows)",
            ),
        ),
        (f"{_QUEUE}::test_actions_in_the_table_come_in_the_order_of_their_commit",),
    ),
    Removal(
        "what follows a rejection does not wait for its mark",
        6,
        (
            Edit(
                "agent_core/dispatch/dispatcher.py",
                "                await self._until_marked(action)\n",
                "",
            ),
        ),
        (f"{_ACTIONS}::test_what_was_rejected_and_not_marked_is_not_judged_anew",),
    ),
    Removal(
        "the end of the queue's file does not count outcomes",
        6,
        (
            Edit(
                "store/queue/file.py",
                "SET newest = newest + 1, waiting = waiting - 1",
                "SET waiting = waiting - 1",
            ),
        ),
        (f"{_FILE}::test_a_lost_outcome_is_a_loss_too",),
    ),
)

REMOVALS = (
    *AN_EXCEPTION_IS_NOT_DAMAGE,
    *A_FAILED_SYNC_IS_NOT_REPEATED,
    *AN_ID_IS_UNIQUE_FOR_ITS_FOLDER,
    *OLD_DAMAGE_STAYS_SMALL,
    *THE_END_OF_A_FILE_IS_NO_PROOF,
    *ORDER_COMES_FROM_THE_STORE,
)
