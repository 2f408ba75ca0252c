"""What the README tells people to do is done, in its order, and what it says comes true."""

import json
import re

from store.agent_state import get_agent_state, list_agent_states
from store.agent_steps import list_steps
from store.messages import list_messages
from tests.docs.expected import ROOT, blocks
from tests.docs.running import in_process, is_steering
from tests.support.waiting import until

README = (ROOT / "README.md").read_text()
LINE = re.compile(r"\d\d:\d\d:\d\d  #\d+ +(status|tick|guidance|error|final) +\S.*")


def test_the_readmes_commands_do_what_it_says(follow):
    """Cats, dogs, birds, tea; paused, resumed; killed, started again, owls; destroyed; a talk."""
    reader = follow(str(ROOT / "app.py"), REINS_PORT="0", REINS_HEARTBEAT_S="0.3")
    unmet = dict(CLAIMS)
    for language, source in blocks(README):
        if language == "python":
            keep(reader, source)
            said = reader.python(source)
        elif language == "sh":
            said = "".join(run(reader, line) for line in source.splitlines())
        else:
            continue
        for part in [part for part in unmet if part in source]:
            unmet.pop(part)(said)
    assert not unmet, f"the README no longer has {', '.join(unmet)}"
    assert all(row["status"] in ("running", "stopped", "completed") for row in list_agent_states())
    assert reader.worker.stop() == 0


def keep(reader, source):
    """A block that begins with the name of a file is saved under it."""
    if named := re.match(r"# (\w+\.py)\n", source):
        (reader.folder / named[1]).write_text(source)


def run(reader, line):
    if is_steering(line) and not re.search(r" watch ", line):
        return in_process(line)  # `watch`, in a process of its own, shows that it works
    if line.startswith("kill -9"):  # nobody else's process: looked at before it is done
        told = reader.shell(line.replace("kill -9", "echo", 1))
        assert told.split() == [str(reader.worker.process.pid)]
    said = reader.shell(line)
    if line.startswith("kill -9"):
        assert reader.worker.process.wait(10) == -9, "the line killed the worker"
    return said


def jokes_about(subject, session_id="agent2"):
    """A claim: jokes about the subject come."""

    def come(_said):
        def there():
            rows = [row for row in list_steps(session_id) if row["kind"] == "tick"]
            return any(subject in row["text"] for row in rows)

        until(there, f"a joke about {subject}")

    return come


def says(*parts):
    """A claim: this is printed."""

    def printed(said):
        assert all(part in said for part in parts), said

    return printed


def watch_shows_cats(said):
    action_id, *lines = said.splitlines()
    assert action_id.startswith("act_")
    assert all(LINE.fullmatch(line) for line in lines), said
    assert "cats" in lines[-1]


def pause_held_and_resumed(said):
    assert said == "paused\n"
    rows = until(lambda: after("paused: lunch"), "it goes on")
    assert [row["kind"] for row in rows][:1] == ["status"]
    assert rows[0]["text"] == "running"


def the_parrot_learns(_said):
    def said_it():
        rows = [row for row in list_steps("polly") if row["kind"] == "tick"]
        return any(row["text"] == "Pretty bird. Pretty bird." for row in rows)

    until(said_it, "what it was told")


def after(text):
    rows = list_steps("agent2")
    at = next(number for number, row in enumerate(rows) if row["text"] == text)
    return rows[at + 1 :]


def it_went_on(said):
    assert said.startswith("applied\n")
    rows = list_steps("agent2")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert sum("resumed by start" in row["text"] for row in rows) == 1
    jokes_about("owls")(said)


def health_names_the_model(said):
    health = json.loads(said[said.index("{") :])
    assert health["worker"]["demonstration"]
    assert "agent1" in said
    assert re.search(r"#1 +ann: Should cats vote", said), "the transcript"
    assert "Finn, what do you say?" in said
    jokes_about("dogs", "agent1")(said)


def it_has_ended(said):
    assert said == "final stopped\n"
    assert get_agent_state("agent2")["context"].count("owls")


def they_talk(_said):
    def both():
        said = list_messages("salon")
        tones = {row["author"]: json.loads(row["metadata"] or "{}").get("tone") for row in said}
        return tones if {"Mara", "Finn"} <= tones.keys() else None

    tones = until(both, "both have spoken")
    assert (tones["ann"], tones["Finn"]) == (None, "pirate")
    texts = [row["text"] for row in list_messages("salon")]
    assert texts[0] == "Should cats vote?"
    assert "cats" in texts[1]


def it_asks_and_counts(said):
    assert said.startswith("write_file "), said
    assert "count.txt" in said
    assert said.endswith("medium\n")
    until(lambda: list_steps("counter")[-1]["kind"] == "final", "the task has ended")
    assert get_agent_state("counter")["status"] == "completed"
    assert list_steps("counter")[-2]["kind"] == "tick"


CLAIMS = {
    "create polly": the_parrot_learns,
    "watch agent1": watch_shows_cats,
    'agent_create("agent2"': jokes_about("cats"),
    'for row in list_steps("agent2"):': says("1 status created, running"),
    '{"subject": "dogs"}': jokes_about("dogs"),
    'mode="now"': jokes_about("tea"),
    'agent_pause_action("agent2"': pause_held_and_resumed,
    '{"topic": "dogs"}': says("rejected", "topic", "subject"),
    "waiting = ": says("queued"),
    "wait_for_action(waiting)": it_went_on,
    "agent_destroy_action": it_has_ended,
    'q.post_message("salon"': they_talk,
    "inbox_decide": it_asks_and_counts,
    "curl ": health_names_the_model,
}


def test_it_is_read_in_a_few_minutes():
    """Below 950 words, code included, until it names the other documents."""
    assert len(README.partition("## Where to go next")[0].split()) < 950


def test_the_agent_fits_on_the_first_screen():
    """A dozen lines of code, before the tour."""
    [agent] = [source for _, source in blocks(README) if source.startswith("# parrot.py\n")]
    lines = [line for line in agent.splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 12
    assert README.index(agent) < README.index("## Five minutes on the page")


def test_what_watch_is_said_to_print():
    """The block of output in the README has the shape that `watch` prints."""
    [shown] = [source for language, source in blocks(README) if language == "console"]
    lines = shown.splitlines()
    assert len(lines) > 5
    for line in lines:
        assert LINE.fullmatch(line), line
    assert [int(re.search(r"#(\d+)", line)[1]) for line in lines] == list(range(1, len(lines) + 1))
