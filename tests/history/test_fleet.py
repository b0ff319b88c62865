"""The sums over many executions: they are those of `visits`, `attempts` and `summary`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import engine, history
from helpers.errors import InvalidSetting, NotFound
from helpers.execution import Execution
from helpers.history import fleet, store
from tests.history import handmade
from tests.history.test_endings import ENDINGS

RECORDED = Path(__file__).parents[3] / "shared/aws-recorded/scenarios.json"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
DEFINITION = {
    "StartAt": "Pause",
    "States": {
        "Pause": {"Type": "Wait", "SecondsPath": "$.pause", "Next": "Ask"},
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f"},
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}],
            "End": True,
        },
    },
}


def by_pandas(events: pd.DataFrame) -> pd.DataFrame:
    """Visits, errors and retries per machine and state, from the frames."""
    visits, attempts = history.visits(events), history.attempts(events)
    for frame in (visits, attempts):
        frame["machine"] = frame["execution"].str.split(":").str[6]
    wrong, key = visits["status"].isin(["failed", "timed_out", "caught"]), ["machine", "state"]
    found = visits.assign(wrong=wrong).groupby(key).agg(count=("wrong", "size"), wrong=("wrong", "sum"))
    retries = attempts[attempts["attempt"] > 1].groupby(key).size()
    return found.assign(retries=retries.reindex(found.index, fill_value=0)).astype("int64")


def histories() -> dict[str, list[dict[str, Any]]]:
    found = {name: handmade.read(text)[0] for name, text in handmade.HISTORIES.items()}
    return found | {f"ending: {name}": handmade.read(one[0])[0] for name, one in ENDINGS.items()}


def recorded() -> dict[str, list[dict[str, Any]]]:
    if not RECORDED.is_file():
        pytest.skip(f"the histories recorded on AWS are not here: {RECORDED}")
    from tests.history.test_recorded import as_aws_gives_it

    scenarios = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {one["name"]: list(as_aws_gives_it(one["history"])) for one in scenarios}


@pytest.mark.slow
@pytest.mark.parametrize("given", [histories, recorded])
def test_counts_errors_retries_and_dollars_are_those_of_the_frames(given):
    # Each history as the execution of a machine of its own, so that each is summed up for itself.
    arns = {f"arn:aws:states:us-east-1:123456789012:execution:{n}:x": one for n, one in enumerate(given().values())}
    events = pd.concat([history.events(one, execution=arn) for arn, one in arns.items()], ignore_index=True)
    sums = fleet.states(events)
    assert sums["machine"].nunique() >= len(arns) - 2  # some enter no state
    found = sums.assign(wrong=(sums["error_rate"] * sums["count"]).round().astype("int64"))
    found = found.set_index(["machine", "state"])[["count", "wrong", "retries"]].sort_index()
    pd.testing.assert_frame_equal(found, by_pandas(events))
    own = history.summary(events)
    own = own.assign(machine=own["execution"].str.split(":").str[6]).set_index("machine")["dollars"]
    dollars = sums.groupby("machine")["dollars"].sum()
    assert dollars.to_dict() == pytest.approx(own[own > 0].to_dict())


def run(number: int, machine: str = MACHINE, version: str | None = None, busy: int = 0, gone: bool = False) -> Any:
    """An execution that pauses `number` seconds and then asks, on day number `number`, and its events."""
    answers: list[Any] = [engine.TaskFailed("Busy")] * busy + [engine.Answer(1, number / 10)]
    tasks = {"Ask": engine.TaskFailed("Gone", f"order {number} is gone") if gone else answers}
    start = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=number)
    ran = engine.run(DEFINITION, {"pause": number}, tasks, start=start)
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{number}"
    one = Execution(arn, str(number), machine, ran.status, start, start + timedelta(1), version=version)
    return one, history.events(ran.events, execution=arn)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of twenty executions, half of version 1 and half of version 2, and two children of a Map Run."""
    folder = tmp_path_factory.mktemp("store")
    versions = [f"{MACHINE}:{1 + number // 10}" for number in range(20)]
    batch = [run(number, version=versions[number], busy=number % 3, gone=number == 7) for number in range(20)]
    store.add(folder, batch[:12])
    store.add(folder, batch[12:])
    store.add(folder, [run(number, f"{MACHINE}/each") for number in (30, 31)])
    return folder


def test_percentiles_are_those_of_the_visits(kept):
    sums = fleet.states(kept).set_index("state")
    visits = history.visits(store.read(kept))
    for state, own in visits.groupby("state"):
        seconds = own["duration"].dt.total_seconds()
        found = sums.loc[state, ["p50", "p95", "p99"]].tolist()
        assert found == pytest.approx(seconds.quantile([0.5, 0.95, 0.99]).tolist())
    assert sums.loc["Pause", ["type", "count", "error_rate", "retries"]].tolist() == ["Wait", 22, 0.0, 0]
    assert sums.loc["Ask", ["type", "count", "retries"]].tolist() == ["Task", 22, 18]
    assert sums.loc["Ask", "error_rate"] == pytest.approx(1 / 22)
    assert sums["dollars"].sum() == pytest.approx(history.summary(store.read(kept))["dollars"].sum())


def test_a_frame_and_a_store_give_the_same(kept):
    pd.testing.assert_frame_equal(fleet.states(store.read(kept)), fleet.states(kept))


def test_machine_and_time_choose_and_children_of_map_runs_belong_to_their_machine(kept):
    assert fleet.states(kept, "orders")["count"].tolist() == [22, 22]
    assert fleet.states(kept, "orders", until="2026-02-01")["count"].tolist() == [20, 20]
    assert fleet.states(kept, since="2026-01-10", until="2026-01-12")["count"].tolist() == [2, 2]
    assert set(fleet.states(kept)["machine"]) == {"orders"}
    for asked in ({"machine": "order"}, {"since": "2030-01-01"}):
        with pytest.raises(NotFound):
            fleet.states(kept, **asked)
    with pytest.raises(NotFound, match="collect"):
        fleet.states(kept / "nowhere")


def test_days_weeks_and_versions_are_held_against_each_other(kept):
    days = fleet.states(kept, by="day")
    assert days["day"].nunique() == 22
    assert days.loc[days["state"] == "Pause", "p50"].tolist() == pytest.approx([*range(20), 30, 31])
    weeks = fleet.states(kept, by="week")
    assert weeks["week"].drop_duplicates().dt.strftime("%Y-%m-%d").tolist() == [
        "2026-01-05",
        "2026-01-12",
        "2026-01-19",
        "2026-02-02",
    ]
    assert weeks.loc[weeks["state"] == "Ask", "count"].tolist() == [7, 7, 6, 2]
    versions = fleet.states(kept, by="version")
    asked = versions[versions["state"] == "Ask"].set_index("version")
    assert asked["count"].tolist() == [10, 10, 2]
    assert asked.index.fillna("none").tolist() == ["1", "2", "none"]
    assert asked.loc["1", "error_rate"] == pytest.approx(0.1)
    assert asked.loc["2", "error_rate"] == 0
    with pytest.raises(InvalidSetting, match="day, week, version"):
        fleet.states(kept, by="month")


def test_a_store_from_before_there_were_versions_is_read(kept, tmp_path):
    store.add(tmp_path, [run(1)])
    for path in (tmp_path / "executions").rglob("*.parquet"):
        pd.read_parquet(path, partitioning=None).drop(columns="version").to_parquet(path, index=False)
    store.add(tmp_path, [run(2, version=f"{MACHINE}:5")])
    found = fleet.states(tmp_path, by="version")
    assert found.loc[found["state"] == "Ask", "version"].fillna("none").tolist() == ["5", "none"]


def test_versions_are_texts_also_where_there_are_none(tmp_path):
    store.add(tmp_path, [run(1)])
    assert str(fleet.states(tmp_path, by="version")["version"].dtype) == "str"


def test_an_execution_that_was_collected_twice_counts_once(tmp_path):
    for _ in range(2):
        store.add(tmp_path, [run(3)])
    assert fleet.states(tmp_path)["count"].tolist() == [1, 1]


def test_no_events_are_no_states():
    assert fleet.states(history.events([])).empty


def test_a_folder_without_a_store_holds_no_execution(tmp_path):
    assert store.stops(tmp_path) == {}


def test_what_is_asked_of_a_store_may_be_a_machine_s_arn_and_one_status(kept):
    assert len(store.read(kept, MACHINE)) == len(store.read(kept, "orders")) > 0
    assert len(store.read(kept, status="FAILED")) == len(store.read(kept, status=["FAILED"]))


def test_a_frame_is_bounded_as_a_store_is(kept):
    events = store.read(kept)
    for asked in ({"machine": "orders"}, {"until": "2026-01-12"}, {"since": "2026-01-10", "until": "2026-01-12"}):
        pd.testing.assert_frame_equal(fleet.states(events, **asked), fleet.states(kept, **asked))
    assert fleet.states(events, "other").empty


@pytest.mark.parametrize("moment", ["soon", "", "2026-13-01"])
def test_a_moment_that_is_none_is_refused(kept, moment):
    with pytest.raises(InvalidSetting, match="is no moment"):
        fleet.states(kept, since=moment)


def test_a_history_with_stamps_and_details_beyond_reading_is_exported():
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    details = {"name": "A", "assignedVariables": nested}
    broken = [{"id": 1, "type": "PassStateExited", "timestamp": "noon", "stateExitedEventDetails": details}]
    (export,) = store.histories(history.events(broken))
    assert history.events(export)["state"].tolist() == ["A"]
