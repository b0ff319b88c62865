"""A sandbox on a clock of coarse steps, as Windows has it: what is stamped alike still has its order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import helpers
from helpers import deploy, execution, history, sandbox, workbench

MACHINE = {
    "StartAt": "Pause",
    "States": {
        "Pause": {"Type": "Wait", "Seconds": 2, "Next": "Ask"},
        "Ask": {"Type": "Pass", "Next": "Break"},
        "Break": {"Type": "Fail", "Error": "Broken", "Cause": "always"},
    },
}


@pytest.fixture(scope="module")
def coarse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[helpers.Lab]:
    """A Lab on a sandbox of its own whose clocks go in steps of 1/64 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_SANDBOX_DIR", str(tmp_path_factory.mktemp("coarse")))
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "simulated" / "coarse_clock"))
        yield helpers.connect()
        sandbox.stop()


@pytest.fixture(scope="module")
def runs(coarse: helpers.Lab) -> list[str]:
    """The ARNs of twelve executions, started as fast as can be, and failed after two seconds of waiting."""
    arn = deploy.state_machine("coarse", MACHINE, lab=coarse)
    with coarse.fast_forward():
        started = [execution.start(arn, lab=coarse) for _ in range(12)]
        for run in started:
            execution.wait(run, timeout=30, progress=False, lab=coarse)
    return started


def test_executions_are_listed_newest_first(coarse: helpers.Lab, runs: list[str]) -> None:
    machine = execution.describe(runs[0], lab=coarse).machine
    assert [one.arn for one in execution.executions(machine, lab=coarse)] == runs[::-1]


def test_events_keep_their_order_and_waits_their_length(coarse: helpers.Lab, runs: list[str]) -> None:
    for run in runs:
        events = history.events(execution.events(run, lab=coarse))
        assert events["id"].tolist() == list(range(1, len(events) + 1))
        assert events["timestamp"].is_monotonic_increasing
        stamps = [stamp.timestamp() * 64 for stamp in events["timestamp"]]
        assert all(abs(stamp - round(stamp)) <= 0.064 for stamp in stamps), "the clock goes in no steps"
        visits = history.visits(events).set_index("state")
        assert visits.loc["Pause", "duration"].total_seconds() == pytest.approx(2.0, abs=1 / 64)


def test_failures_with_the_same_stamp_have_an_order(coarse: helpers.Lab, runs: list[str]) -> None:
    machine = execution.describe(runs[0], lab=coarse).machine
    found = [workbench.failures(machine, lab=coarse) for _ in range(5)]
    assert {one["count"].tolist()[0] for one in found} == {12}
    assert len({one["example"].tolist()[0] for one in found}) == 1
