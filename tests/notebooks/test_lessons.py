"""What lessons say beside their outputs."""

import html
import itertools
import json
import random
import re
import time

import nbformat
import pytest

import helpers
from helpers import deploy, execution, limits, planner
from tests.notebooks import run, words

ARTICLE = (run.ROOT / "definitions" / "busy_wait.asl.json").read_text(encoding="utf-8")


def cells(name: str) -> list[nbformat.NotebookNode]:
    (path,) = run.paths([name])
    return nbformat.read(path, as_version=4).cells


def sources(name: str) -> str:
    return "\n\n".join(cell.source for cell in cells(name))


def test_the_articles_definition_is_there_to_copy():
    """In 02 with the function's ARN in it, in 00 folded, as it is kept."""
    shown = next(cell for cell in cells("02") if "read_only=True" in cell.source).outputs[0]["data"]["text/html"]
    text = re.sub(r'<span style="user-select.*?</span>', "", re.search(r"<pre.*?</pre>", shown, re.DOTALL)[0])
    printed = html.unescape(re.sub(r"<[^>]+>", "", text))
    arn = json.loads(printed)["States"]["Main"]["Parameters"]["FunctionName"].removesuffix(":$LATEST")
    assert json.loads(printed) == json.loads(ARTICLE.replace("${FunctionArn}", arn))
    folded = next(cell.source for cell in cells("00") if "<details>" in cell.source)
    assert ARTICLE in folded


def test_a_worker_deletes_its_own_message_after_its_work():
    code = [cell.source for cell in cells("10") if cell.cell_type == "code"]
    deleting = [source for source in code if "delete_message" in source]
    assert len(deleting) == 2
    for source in deleting:
        assert re.search(r"(send_task_success|put_events).*delete_message", source, re.DOTALL)


def test_nothing_runs_out_while_somebody_reads_on():
    """The Wait that 03 stops in lasts two seconds; the worker of 10 is whoever reads, and has half an hour."""
    code = {name: [cell.source for cell in cells(name) if cell.cell_type == "code"] for name in ("03", "10")}
    stopping = [source for source in code["03"] if "stop_execution(" in source or "live.watch(" in source]
    assert len(stopping) == 3
    assert all("execution.start(" in source for source in stopping)
    by_hand = next(source for source in code["10"] if "HeartbeatSeconds" in source)
    assert int(re.search(r"HeartbeatSeconds.* = (\d+)", by_hand)[1]) >= 1800


def test_a_database_is_made_with_its_tags():
    """Also where 09 makes it again; without them 99 would not find it."""
    (making,) = [cell.source for cell in cells("09") if "CREATE DATABASE" in cell.source]
    assert "tag_resource(" in making


def test_no_job_of_11_ends_beside_a_poll():
    """Else which poll finds it done depends on how fast the computer is, and so would the outputs."""
    chosen = {"random": random}
    exec(next(cell.source for cell in cells("11") if "tolerated =" in cell.source), chosen)
    pairs = itertools.product(chosen["ways"], chosen["pauses"])
    for (way, pause), job in zip(pairs, chosen["jobs"], strict=False):
        machine = planner.fitted(way, interval=pause, duration=max(chosen["jobs"]), call=0.1)
        runs = [planner.simulate(machine, job, call=call) for call in (0.002, 0.1)]
        assert runs[0].loc[0, "events"] == runs[1].loc[0, "events"], (way, pause, job)


@pytest.mark.usefixtures("lab")
def test_a_state_that_times_out_does_not_stop_its_function(monkeypatch):
    """08 says so; the function's log has its ends, though the execution never heard of them."""
    monkeypatch.setenv("LAB_PREFIX", "timed-out-")  # the shared sandbox has a `misbehave` that others called
    monkeypatch.setattr("helpers.lab.place._current", None)
    lab = helpers.connect("sandbox")
    machine = deploy.deploy("careful", function_options={"misbehave": {"timeout": 30}}, lab=lab)
    with lab.fast_forward():
        run_arn = execution.start(machine.arn, {"do": "sleep", "seconds": 4}, lab=lab)
        assert execution.wait(run_arn, progress=False, lab=lab).error == "States.Timeout"
    logs, name = lab.client("logs"), machine.functions["misbehave"].rpartition(":")[2]
    deadline, lines = time.monotonic() + 30, []
    while len(lines) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
        written = [logs.filter_log_events(logGroupName=group["logGroupName"])["events"] for group in groups]
        lines = [event["message"] for events in written for event in events]
    assert sum(line.startswith("END") for line in lines) == 2, lines


BEFORE = ("00", "01", "02", "03", "04", "05")
ANSWER = re.compile(r"never ends|endless|ask(s|ed)? (the function )?again|never asks", re.IGNORECASE)


@pytest.mark.parametrize("name", BEFORE)
def test_nothing_before_06_gives_its_answer_away(name):
    """Neither what is written nor what is stored, in the lesson and in its twin."""
    for path in run.paths([name, f"solutions/{name}"]):
        for cell in nbformat.read(path, as_version=4).cells:
            for text in (cell.source, *words.said(cell)):
                assert not ANSWER.search(text.replace("asks again and again", "")), f"{cell.id}: {text[:80]}"


def test_06_asks_before_it_answers():
    """The answer stands folded after the run; what shows it is stored in the twin alone."""
    written = [cell.source for cell in cells("06")]
    predicted = next(place for place, text in enumerate(written) if 'predict("06-turns"' in text)
    answered = next(place for place, text in enumerate(written) if "The right number is: never." in text)
    assert written[answered].index("<details>") < written[answered].index("never.")
    assert predicted < next(place for place, text in enumerate(written) if "live.watch" in text) < answered
    said = [text for cell in cells("06")[: answered + 1] for text in words.said(cell)]
    assert not [text for text in (*written[:answered], *said) if ANSWER.search(text)]
    assert not [text for text in said if re.search(r"aborted|pauses so far", text)]


@pytest.mark.parametrize(
    ("name", "said", "shown"),
    [
        ("01", "the status code is still 200", "(200, 'Unhandled')"),
        ("02", "its 126 seconds of waiting", "126"),
        ("02", "a click on *line 33*", "line 33"),
        ("06", f"may hold {limits.HISTORY_EVENTS:,} events", None),
        ("10", f"${limits.TRANSITION:f} each in the parent", None),
        ("11", "all events as planned", "all events as planned: True"),
        ("11", "to two seconds", "all delays as planned, to two seconds: True"),
    ],
)
def test_a_number_in_the_text_comes_from_an_output_or_from_the_limits(name, said, shown):
    assert said in sources(name)
    (twin,) = run.paths([f"solutions/{name}"])
    told = [text for cell in nbformat.read(twin, as_version=4).cells for text in words.said(cell)]
    assert shown is None or any(shown in text for text in told)


def test_the_readmes_minutes_are_more_than_it_takes_to_read():
    """At 200 words a minute; the rest is for running, guessing and talking."""
    readme = (run.ROOT / "README.md").read_text(encoding="utf-8")
    minutes, words_a_minute, read = dict(re.findall(r"^\| (\d\d) \|.*\| (\d+) \|$", readme, re.MULTILINE)), 200, {}
    for name in minutes:
        text = " ".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")
        read[name] = (
            len(re.findall(r"\w[\w'.$-]*", re.sub(r"\]\([^)]*\)|```.*?```", "]", text, flags=re.S))) / words_a_minute
        )
        assert name == "99" or read[name] < int(minutes[name])
    for named, count in (
        ("the hour's five", "00 02 03 06 07"),
        ("the half day's ten", "00 01 02 03 04 05 06 07 08 12"),
    ):
        said = int(re.search(rf"(\d+) (minutes )?for {named}", readme)[1])
        assert abs(said - sum(read[name] for name in count.split())) < 1.5


def test_the_readme_folds_what_06_is_about():
    readme = (run.ROOT / "README.md").read_text(encoding="utf-8")
    plain = re.sub(r"<details>.*?</details>", "", readme, flags=re.DOTALL)
    learning = plain.partition("## On a real account")[0]
    assert not ANSWER.search(learning.replace("`endless-loop`", "").replace("[Ask again]", ""))
