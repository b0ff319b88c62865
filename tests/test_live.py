"""The live diagram, watched in a kernel of its own as a notebook's cells."""

import base64
import xml.etree.ElementTree
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import nbclient
import nbformat
import pytest

import helpers
from helpers import deploy, execution, live
from helpers.errors import DefinitionInvalid, LabError, NotFound

HOSTILE = "<img src=x onerror=alert(1)>"


def machine(seconds: int) -> dict[str, Any]:
    return {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "Second"},
            "Second": {"Type": "Pass", "Next": "Pause"},
            "Pause": {"Type": "Wait", "Seconds": seconds, "Next": HOSTILE},
            HOSTILE: {"Type": "Succeed"},
        },
    }


RETRYING = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:describeExecution",
            "Parameters": {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:nothing:here"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 1}],
            "End": True,
        }
    },
}


@pytest.fixture(scope="module")
def machines(lab: helpers.Lab) -> Iterator[dict[str, str]]:
    role = deploy.role("watched", service="states", lab=lab)
    definitions = {"brief": machine(2), "lasting": machine(3600), "retrying": RETRYING}
    yield {name: deploy.state_machine(name, body, role=role, lab=lab) for name, body in definitions.items()}
    deploy.tear_down(lab)


def outputs_of(*cells: str) -> list[list[Any]]:
    """Each cell's outputs, as a notebook that was executed without a browser would store them."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


OPENING = (
    "import helpers\nfrom helpers import diagram, execution, live\nlab = helpers.connect()\n"
    "_ = diagram.draw({'StartAt': 'A', 'States': {'A': {'Type': 'Succeed'}}}).svg()"  # what takes long the first time
)


def picture(outputs: list[Any]) -> Any:
    """The one picture among a cell's outputs, in every form that the places where notebooks are read can show."""
    shown = [one.data for one in outputs if "image/svg+xml" in one.get("data", {})]
    assert len(shown) == 1
    assert base64.b64decode(shown[0]["image/png"]).startswith(b"\x89PNG")
    xml.etree.ElementTree.fromstring(shown[0]["image/svg+xml"])
    return shown[0]


def text(outputs: list[Any]) -> str:
    return "\n".join(one.get("text") or one.data.get("text/plain", "") for one in outputs)


def test_a_watched_execution_leaves_a_static_picture_of_its_end(machines):
    _, outputs, result = outputs_of(OPENING, f"done = live.run({machines['brief']!r})", "done.status")
    shown = picture(outputs)
    assert "succeeded: First, Second, Pause" in shown["text/plain"]
    assert "not reached" not in shown["text/plain"]
    assert "<img" not in shown["image/svg+xml"]
    assert not [one for one in outputs if "application/vnd.jupyter.widget-view+json" in one.get("data", {})]
    assert "succeeded after" in text(outputs)
    assert "SUCCEEDED" in text(result)


def test_in_the_background_the_next_cell_can_stop_the_execution(machines):
    _, outputs, _, waited = outputs_of(
        OPENING,
        f"watching = live.run({machines['lasting']!r}, background=True)",
        f"execution.stop(watching.arn, 'Enough', {HOSTILE!r})",
        "print(watching.wait(timeout=60).status)",
    )
    shown = picture(outputs)
    assert "aborted: Pause" in shown["text/plain"]
    line = outputs[1].data["text/html"]
    assert "Enough" in line
    assert "<img" not in line
    assert "ABORTED" in text(waited)


def test_an_interrupt_stops_the_watching_and_not_the_execution(machines, lab):
    _, outputs, status = outputs_of(
        OPENING,
        "import _thread, threading\n"
        "threading.Timer(4, _thread.interrupt_main).start()\n"
        f"left = live.run({machines['lasting']!r})",
        "print(left.status, left.arn)",
    )
    shown = picture(outputs)
    assert "waiting: Pause" in shown["text/plain"]
    assert "goes on" in text(outputs)
    said, arn = text(status).split()
    assert said == "RUNNING"
    assert execution.describe(arn, lab=lab).running
    execution.stop(arn, lab=lab)


class Recorded:
    """The pictures and lines that would have been put on the screen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pictures: list[str] = []
        self.lines: list[str] = []
        self.lit: list[Any] = []
        monkeypatch.setattr(live, "_put", lambda shown, place, update=True: self.lines.append(repr(shown)))
        monkeypatch.setattr(live.Living, "at", self.at)

    def at(self, statuses: dict[str, str], counts: Any, taken: Any, lit: Any) -> dict[str, Any]:
        self.pictures.append("; ".join(f"{status}: {state}" for state, status in statuses.items()))
        self.lit.append(lit)
        return {}


def test_every_quick_state_is_seen_and_a_wait_counts_down(machines, lab, monkeypatch):
    recorded = Recorded(monkeypatch)
    assert live.run(machines["brief"], lab=lab).status == "SUCCEEDED"
    for open_state in ("running: First", "running: Second", "waiting: Pause"):
        assert any(open_state in said for said in recorded.pictures), open_state
    counted = {line for line in recorded.lines if line.startswith("Pause waits")}
    assert counted
    assert counted <= {f"Pause waits, {seconds} s to go" for seconds in range(4)}


def test_a_back_off_is_said_and_its_retry_lit_and_a_failure_ends_in_a_sentence(machines, lab, monkeypatch):
    recorded = Recorded(monkeypatch)
    assert live.run(machines["retrying"], lab=lab).status == "FAILED"
    said = [line for line in recorded.lines if line.startswith("Ask waits to try again, attempt 2 of 2, in ")]
    assert said
    assert ("Ask", "Ask", "retry") in recorded.lit
    assert recorded.lines[-1].startswith("'Ask' failed after ")


def test_a_long_history_is_caught_up_with_by_passing_states_over(lab, monkeypatch):
    reading = live._Reading("arn:aws:states:us-east-1:123456789012:execution:m:e", lab)
    entered = [{"id": number, "type": "PassStateEntered"} for number in range(1, 2_001)]
    monkeypatch.setattr(reading._following, "read", lambda: entered)
    monkeypatch.setattr(live.history, "events", lambda events: events)
    monkeypatch.setattr(reading, "_frames", lambda passed: (passed, None))
    reading.read()
    shown = []
    while reading.pending:
        shown.append(reading.next())
    assert [passed for passed, _, _ in shown] == sorted(passed for passed, _, _ in shown)
    assert shown[-1][0] == 2_000
    assert sum(stays for _, _, stays in shown) < 3 * live.CATCH_UP


def test_a_few_quick_states_stay_long_enough_to_be_seen(lab, monkeypatch):
    reading = live._Reading("arn:aws:states:us-east-1:123456789012:execution:m:e", lab)
    reading.pending.extend(range(1, 10))
    monkeypatch.setattr(reading, "_frames", lambda passed: (passed, None))
    assert [reading.next() for _ in range(9)] == [(passed, None, live.SEEN) for passed in range(1, 10)]


ENTERED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "given", "due"),
    [
        ({"Seconds": 5}, "{}", ENTERED + timedelta(seconds=5)),
        ({"SecondsPath": "$.a.b"}, '{"a": {"b": 7}}', ENTERED + timedelta(seconds=7)),
        ({"SecondsPath": "$.a.b"}, '{"a": 1}', None),
        ({"SecondsPath": "$.a"}, None, None),
        ({"SecondsPath": "$.a"}, "cut off", None),
        ({"Seconds": 5}, "cut off", ENTERED + timedelta(seconds=5)),
        ({"Seconds": "{% $n %}"}, "{}", None),
        ({"Seconds": "{% $n %}", "QueryLanguage": "JSONata"}, "{}", None),
        ({"Seconds": "{% $states.input.n %}", "QueryLanguage": "JSONata"}, '{"n": 3}', ENTERED + timedelta(seconds=3)),
        ({"Timestamp": "2026-01-02T00:00:00Z"}, "{}", ENTERED + timedelta(days=1)),
        ({"TimestampPath": "$.at"}, '{"at": "whenever"}', None),
    ],
)
def test_when_a_wait_ends(body, given, due):
    assert live.due_at(body, ENTERED, given) == due


def test_what_cannot_be_watched_is_told(machines, lab):
    with pytest.raises(NotFound):
        live.watch(machines["brief"].replace(":stateMachine:", ":execution:") + ":nothing", lab=lab)
    with pytest.raises(NotFound, match="Express"):
        live.watch("arn:aws:states:us-east-1:123456789012:express:m:e:1", lab=lab)


@pytest.mark.parametrize("wrong", ["busy_wait", 5, ["A"]])
def test_what_cannot_be_drawn_is_told(machines, lab, wrong):
    arn = execution.start(machines["brief"], lab=lab)
    with pytest.raises(DefinitionInvalid, match="cannot be drawn: give the definition as a dict"):
        live.watch(arn, wrong, lab=lab)


def test_a_failure_while_watching_in_the_background_is_told_by_wait(machines, lab, monkeypatch):
    recorded = Recorded(monkeypatch)
    arn = execution.start(machines["lasting"], lab=lab)

    def lost(_: Any) -> list[Any]:
        raise LabError("the sandbox is gone")

    with monkeypatch.context() as patched:
        patched.setattr(execution.Following, "read", lost)
        watching = live.watch(arn, background=True, lab=lab)
        with pytest.raises(LabError, match="gone"):
            watching.wait(timeout=30)
    assert recorded.lines[-1] == "the sandbox is gone"
    execution.stop(arn, lab=lab)
