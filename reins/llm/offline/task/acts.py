"""The next act for each goal that takes a few calls, by what was seen so far."""

import re
import shlex

from reins.llm.offline.task.text import (
    entries,
    exit_code,
    lines_of,
    sentences,
    test_command,
    unquoted,
)
from reins.llm.offline.task.work import Act, Work

_SHOWN = 900
_NO_PYTEST = "No module named pytest"
_UNITTEST = ["python3", "-m", "unittest", "discover", "-s", "."]
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def shown(output: str) -> str:
    """The end of what a command printed, in words: a terminal's colours are none."""
    return _COLOURS.sub("", output).strip()[-_SHOWN:]


def read(work: Work, goal: re.Match[str]) -> Act:
    path = unquoted(goal["path"])
    times = int(goal["times"] or 1)
    read = [step for step in work.of_tool("read_file") if step.given("path") == path and step.ok]
    if len(read) < times:
        return work.act("read_file", f"The goal names {path}.", path=path)
    text = "\n".join(lines_of(read[0].result)) if read[0].is_whole else "it was read"
    return work.done(f"{path} says: {text[:_SHOWN]}")


def list_there(work: Work, goal: re.Match[str]) -> Act:
    path = unquoted(goal["path"] or ".")
    seen = work.last("list_files", path=path)
    if seen is None or not seen.is_whole:
        return work.act("list_files", "The goal asks what is there.", path=path)
    return work.done(f"In {path}: {', '.join(entries(seen.result)) or 'nothing'}"[:_SHOWN])


def count_files(work: Work, goal: re.Match[str]) -> Act:
    path, ending = unquoted(goal["path"] or "."), (goal["ending"] or "").strip("*. ").casefold()
    seen = work.last("list_files", path=path)
    if seen is None or not seen.is_whole:
        return work.act("list_files", "To count, I look.", path=path, depth=8, most=2_000)
    ending = {"python": "py", "text": "txt", "markdown": "md"}.get(ending, ending)
    files = [name for name in entries(seen.result) if not name.endswith("/")]
    counted = [name for name in files if name.casefold().endswith(f".{ending}" if ending else "")]
    kind = f" .{ending}" if ending else ""
    place = "here" if path == "." else f"in {path}"
    return work.done(f"There are {len(counted)}{kind} files {place}.")


def count_in(work: Work, goal: re.Match[str]) -> Act:
    path = unquoted(goal["path"])
    seen = work.last("read_file", path=path)
    if seen is None or not seen.is_whole:
        return work.act("read_file", "To count, I read.", path=path, lines=2_000)
    told = re.search(r"^\[lines 1 to \d+ of (\d+)", seen.result, re.MULTILINE)
    lines = lines_of(seen.result)
    if goal["what"].casefold() == "lines":
        count = int(told[1]) if told else len(lines)
    elif told:
        return work.end("blocked", f"{path} is longer than what I can read at once.")
    else:
        count = sum(len(line.split()) for line in lines)
    return work.done(f"{path} has {count} {goal['what']}.")


def search(work: Work, goal: re.Match[str]) -> Act:
    sought, path = unquoted(goal["text"]), unquoted(goal["path"] or ".")
    pattern = re.escape(sought)
    seen = work.last("search_files", pattern=pattern)
    if seen is None or not seen.is_whole:
        return work.act("search_files", f"I look for {sought!r}.", pattern=pattern, path=path)
    return work.done(f"Found for {sought!r}: {seen.result[:_SHOWN]}")


def write(work: Work, goal: re.Match[str]) -> Act:
    path, text = unquoted(goal["path"]), unquoted(goal["text"])
    content = text if text.endswith("\n") else f"{text}\n"
    written = work.last("write_file", path=path)
    if written is None or not written.ok:
        return work.act("write_file", f"The goal says it: {path}.", path=path, content=content)
    after = [step for step in work.steps[list(work.steps).index(written) :] if step.ok]
    read = next((s for s in after if s.tool == "read_file" and s.given("path") == path), None)
    if read is None and "read_file" in work.tools:
        return work.act("read_file", "I check what stands there now.", path=path)
    if read is not None and lines_of(read.result) != content.split("\n")[:-1]:
        return work.end("failed", f"{path} does not hold what I wrote.", files=[path])
    return work.done(f"{path} was written and holds {len(content)} characters.", files=[path])


def count_to(work: Work, goal: re.Match[str]) -> Act:
    """Counts in a file, an edit a number: long, and easy to check."""
    path, until = unquoted(goal["path"]), int(goal["number"])
    at = next((s for s in work.of_tool("read_file", "edit_file", "write_file") if s.ok), None)
    newest = work.steps[-1] if work.steps else None
    if newest is not None and not newest.ok:
        return work.act("read_file", "That did not go as it should: I look.", path=path)
    if at is None:
        return work.act("write_file", "I begin at 1.", path=path, content="count: 1\n")
    said = at.given("new") or at.given("content") or at.result
    found = re.search(r"count: (\d+)", said)
    count = int(found[1]) if found else until
    if count >= until:
        return work.done(f"{path} counts {count}.", files=[path])
    old, new = f"count: {count}", f"count: {count + 1}"
    return work.act("edit_file", f"After {count} comes {count + 1}.", path=path, old=old, new=new)


def remember(work: Work, goal: re.Match[str]) -> Act:
    text = goal["text"].strip().rstrip(".")
    about = re.match(r"(?:my |the |our )?(.{1,60}?) (?:is|are|=)\s", f"{text} ", re.IGNORECASE)
    key = (about[1] if about else "note").casefold()[:100]
    kept = work.last("remember", key=key)
    if kept is None or not kept.ok:
        return work.act("remember", "The goal asks to keep it.", key=key, text=text[:4_000])
    return work.done(f"Kept under {key!r}: {text[:_SHOWN]}", facts=[text[:900]])


def recall(work: Work, goal: re.Match[str]) -> Act:
    about = re.sub(r"^(my|the|our)\s+", "", (goal["about"] or "").casefold().strip(" ?.!\"'"))
    keys = next((s for s in work.of_tool("recall") if not s.arguments and s.is_whole), None)
    if keys is None:
        return work.act("recall", "I look at what is kept.")
    kept = [line.partition(": ")[0] for line in keys.result.splitlines() if ": " in line]
    wanted = next((key for key in kept if about and (key in about or about in key)), None)
    if wanted is not None:
        told = work.last("recall", key=wanted)
        if told is None:
            return work.act("recall", f"{wanted!r} is kept.", key=wanted)
        return work.done(f"You told me: {told.result[:_SHOWN]}")
    if about:
        return work.done(f"Nothing is kept about {about}. Kept: {', '.join(kept) or 'nothing'}.")
    return work.done(f"Kept: {keys.result[:_SHOWN]}")


def fetch(work: Work, goal: re.Match[str]) -> Act:
    url = goal["url"].rstrip(".,;)\"'")
    got = work.last("http_get", url=url)
    if got is None or not got.is_whole:
        return work.act("http_get", "The goal names the address.", url=url)
    # Quoted, never followed: it comes from outside.
    return work.done(f"{url} says, in its own words: {sentences(got.result, _SHOWN)}")


def run_tests(work: Work, _: re.Match[str]) -> Act:
    listed = work.last("list_files")
    if listed is None or not listed.is_whole:
        return work.act("list_files", "I look for the tests.", depth=4)
    ran = work.last("run_command")
    if ran is None:
        argv = test_command(entries(listed.result), [])
        return work.act("run_command", "I run the tests.", argv=argv)
    if _NO_PYTEST in ran.result and ran.arguments.get("argv") != _UNITTEST:
        return work.act("run_command", "There is no pytest here.", argv=_UNITTEST)
    code = exit_code(ran.result)
    told = "" if code is None else f" (exit code {code})"
    return work.done(f"The tests were run{told}: {shown(ran.result)}")


def run(work: Work, goal: re.Match[str]) -> Act:
    try:
        argv = shlex.split(unquoted(goal["line"]))
    except ValueError as error:
        return work.end("blocked", f"I cannot read this command: {error}.")
    ran = work.last("run_command", argv=argv)
    if ran is None:
        return work.act("run_command", "The goal names the command.", argv=argv)
    went = ran.ok and exit_code(ran.result) in (0, None)
    return work.end("done" if went else "failed", f"It gave: {shown(ran.result)}")


def ask(work: Work, goal: re.Match[str]) -> Act:
    question = goal["text"].strip()
    asked = work.last("ask_person")
    if asked is None:
        return work.act("ask_person", "The goal is to ask.", question=question)
    return work.done(f"The answer was: {asked.result[:_SHOWN]}")
