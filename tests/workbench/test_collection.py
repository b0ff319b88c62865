"""Many executions' histories: fetched at the pace that AWS allows, kept, read again, their failures grouped."""

import heapq
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import ClientError

import helpers
from helpers import calls, deploy, execution, history, rehearsal, workbench
from helpers.errors import InvalidSetting, LabError, NotFound
from helpers.history import causes
from helpers.history import store as stores
from helpers.workbench import collection
from tests.history import handmade, test_fleet
from tests.history.test_endings import ENDINGS

MACHINE = {
    "StartAt": "Check",
    "States": {
        "Check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.cause", "IsPresent": True, "Next": "Each"}],
            "Default": "Fine",
        },
        "Fine": {"Type": "Succeed"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemSelector": {"cause.$": "$.cause"},
            "ItemProcessor": {
                "StartAt": "Break",
                "States": {"Break": {"Type": "Fail", "Error": "Broken", "CausePath": "$.cause"}},
            },
            "End": True,
        },
    },
}


def failing(cause: str) -> dict[str, Any]:
    return {"items": [1], "cause": cause}


@pytest.fixture(scope="module")
def ran(lab: helpers.Lab) -> Iterator[tuple[str, list[str]]]:
    """A machine's ARN and those of ten of its executions: six succeeded, three failed alike, one differently."""
    arn = deploy.state_machine("collected", MACHINE, lab=lab)
    inputs = [{"n": n} for n in range(6)] + [failing(f"order {n} is gone") for n in range(3)] + [failing("disk full")]
    runs = [execution.start(arn, one, lab=lab) for one in inputs]
    for run in runs:
        execution.wait(run, timeout=30, progress=False, lab=lab)
    yield arn, runs
    deploy.tear_down(lab)


def collect(lab: helpers.Lab, machine: str, store: Path, **options: Any) -> collection.Collected:
    return collection.collect(machine, store=store, progress=False, lab=lab, **options)


def test_the_store_gives_the_frames_that_the_executions_give(lab, ran, tmp_path):
    machine, runs = ran
    done = collect(lab, machine, tmp_path)
    assert (done.fetched, done.known, done.left) == (10, 0, 0)
    read = collection.read(tmp_path)
    assert set(read["execution"]) == set(runs)
    for run in (runs[0], runs[-1]):
        own = history.events(execution.events(run, lab=lab)).drop(columns="execution")
        kept = read[read["execution"] == run].reset_index(drop=True).drop(columns="execution")
        pd.testing.assert_frame_equal(kept, own)
    assert (history.visits(read).groupby("execution").size() >= 2).all()
    name, day = machine.split(":")[-1], f"{execution.describe(runs[0], lab=lab).started:%Y-%m-%d}"
    assert list((tmp_path / "events" / f"machine={name}" / f"day={day}").glob("*.parquet"))


def test_an_execution_is_rehearsed_on_the_definition_that_was_stored_beside_it(lab, tmp_path):
    def passing(name: str) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}

    runs, machine = [], deploy.state_machine("renewed", passing("Old"), lab=lab)
    for number in range(4):
        if number == 2:
            deploy.state_machine("renewed", passing("New"), lab=lab)
        runs.append(execution.start(machine, {"n": number}, lab=lab))
        execution.wait(runs[-1], timeout=30, progress=False, lab=lab)
    before = calls.made["DescribeStateMachineForExecution"]
    collect(lab, machine, tmp_path)
    assert calls.made["DescribeStateMachineForExecution"] - before == 2
    events = workbench.read(tmp_path)
    for run, name in zip(runs, ["Old", "Old", "New", "New"], strict=True):
        found = rehearsal.rehearse(events[events["execution"] == run])
        assert (found.status, found.parted, list(found.definition["States"])) == ("SUCCEEDED", None, [name])
    assert len(list((tmp_path / "definitions").iterdir())) == 2
    with pytest.raises(NotFound, match="give the state machine's definition"):
        rehearsal.rehearse(history.events(execution.events(runs[0], lab=lab)))


def test_what_an_end_in_the_middle_of_a_definition_left_keeps_no_later_collecting(lab, ran, tmp_path):
    machine, _ = ran
    collect(lab, machine, tmp_path / "whole")
    (tmp_path / "killed" / "definitions").mkdir(parents=True)
    for kept in (tmp_path / "whole" / "definitions").iterdir():
        (tmp_path / "killed" / "definitions" / kept.with_suffix(".unfinished").name).touch()
    assert collect(lab, machine, tmp_path / "killed").fetched == 10


def test_without_the_permission_to_read_definitions_the_histories_are_collected(lab, ran, tmp_path):
    machine, runs = ran
    restricted = helpers.connect()
    restricted.session.events.register("before-call.sfn.DescribeStateMachineForExecution", denied)
    collect(restricted, machine, tmp_path)
    events = workbench.read(tmp_path)
    assert set(events["execution"]) == set(runs)
    with pytest.raises(NotFound, match="has no definition of this execution: give"):
        rehearsal.rehearse(events[events["execution"] == runs[0]])


def denied(model: Any, **_: Any) -> None:
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, model.name)


def test_what_is_there_is_not_fetched_again(lab, ran, tmp_path):
    machine, _ = ran
    collect(lab, machine, tmp_path)
    before = calls.made["GetExecutionHistory"]
    again = collect(lab, machine, tmp_path)
    assert (again.fetched, again.known) == (0, 10)
    assert calls.made["GetExecutionHistory"] == before


def test_an_interrupted_collecting_goes_on_where_it_was(lab, ran, tmp_path, monkeypatch):
    machine, runs = ran
    fetched = collection.histories

    def interrupted(*arguments: Any) -> Iterator[Any]:
        for number, one in enumerate(fetched(*arguments)):
            if number == 4:
                raise KeyboardInterrupt
            yield one

    with monkeypatch.context() as patched:
        patched.setattr(collection, "histories", interrupted)
        first = collect(lab, machine, tmp_path)
    assert (first.fetched, first.left) == (4, 6)
    assert len(set(collection.read(tmp_path)["execution"])) == 4
    rest = collect(lab, machine, tmp_path)
    assert (rest.fetched, rest.known) == (6, 4)
    assert set(collection.read(tmp_path)["execution"]) == set(runs)


def test_an_execution_that_was_redriven_is_fetched_again_and_read_once(lab, ran, tmp_path):
    machine = deploy.state_machine("redriven", MACHINE, lab=lab)
    run = execution.start(machine, failing("once"), lab=lab)
    execution.wait(run, timeout=30, progress=False, lab=lab)
    collect(lab, machine, tmp_path)
    before = len(collection.read(tmp_path))
    lab.client("stepfunctions").redrive_execution(executionArn=run)
    execution.wait(run, timeout=30, progress=False, lab=lab)
    assert collect(lab, machine, tmp_path, status="FAILED").fetched == 1
    after = collection.read(tmp_path)
    assert after["id"].is_unique
    assert len(after) > before


def test_status_and_time_choose(lab, ran, tmp_path):
    machine, runs = ran
    assert collect(lab, machine, tmp_path / "failed", status="FAILED").fetched == 4
    assert collect(lab, machine, tmp_path / "later", since=lab.now() + timedelta(hours=1)).fetched == 0
    assert collect(lab, machine, tmp_path / "before", until="2020-01-01").fetched == 0
    started = {run: execution.describe(run, lab=lab).started for run in runs}
    middle = sorted(started.values())[5]
    collect(lab, machine, tmp_path / "all")
    before = {run for run in runs if started[run] < middle}  # several may have started in one step of the clock
    assert set(collection.read(tmp_path / "all", until=middle)["execution"]) == before
    assert collection.read(tmp_path / "all", since=datetime.now(UTC) + timedelta(days=400)).empty
    with pytest.raises(LabError, match="follow"):
        collect(lab, machine, tmp_path, status="RUNNING")


def test_what_began_early_and_ended_last_hides_nothing(lab, tmp_path):
    """AWS lists what has ended by its end, the latest first: API reference, ListExecutions."""
    states, sleep = lab.client("stepfunctions"), {"Type": "Wait", "Seconds": 3600, "End": True}
    machine = deploy.state_machine("collected-late", {"StartAt": "Old", "States": {"Old": sleep}}, lab=lab)
    long = execution.start(machine, {}, lab=lab)
    time.sleep(0.05)
    deploy.state_machine("collected-late", {"StartAt": "New", "States": {"New": sleep}}, lab=lab)
    short = execution.start(machine, {}, lab=lab)
    for run in (short, long):
        execution.stop(run, lab=lab)
        time.sleep(0.01)
    since = execution.describe(short, lab=lab).started
    assert collect(lab, machine, tmp_path / "since", since=since).fetched == 1
    assert set(collection.read(tmp_path / "since")["execution"]) == {short}
    assert collect(lab, machine, tmp_path / "all").fetched == 2
    for run, state in ((long, "Old"), (short, "New")):
        assert json.loads(stores.definition(tmp_path / "all", run))["StartAt"] == state
    states.delete_state_machine(stateMachineArn=machine)


def test_a_store_that_is_a_file_is_refused(lab, ran, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InvalidSetting, match="notes is a file"):
        collect(lab, ran[0], tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "mine"


def test_of_a_version_its_own_executions_are_collected(lab, tmp_path):
    machine = deploy.state_machine("collected-version", MACHINE, lab=lab)
    version = lab.client("stepfunctions").publish_state_machine_version(stateMachineArn=machine)
    runs = [execution.start(one, {"n": 1}, lab=lab) for one in (version["stateMachineVersionArn"], machine)]
    for run in runs:
        execution.wait(run, timeout=30, progress=False, lab=lab)
    collect(lab, version["stateMachineVersionArn"], tmp_path)
    assert set(collection.read(tmp_path)["execution"]) == {runs[0]}


def test_the_most_frequent_failure_is_row_0_though_another_was_first():
    def failed(name: str, at: int, error: str) -> pd.DataFrame:
        start = {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": at}
        details = {"executionFailedEventDetails": {"error": error}}
        end = {"id": 2, "previousEventId": 1, "type": "ExecutionFailed", "timestamp": at + 1, **details}
        return history.events([start, end], execution=name)

    found = collection.failures(pd.concat([failed("a", 0, "Rare"), failed("b", 10, "Often"), failed("c", 20, "Often")]))
    assert found["error"].to_dict() == {0: "Often", 1: "Rare"}


def test_no_store_is_told(tmp_path):
    with pytest.raises(NotFound, match="collect"):
        collection.read(tmp_path / "nowhere")


def test_failures_are_grouped_by_the_innermost_state_and_what_is_alike(lab, ran, tmp_path):
    machine, runs = ran
    collect(lab, machine, tmp_path)
    visits = history.visits(collection.read(tmp_path))
    broken = visits[(visits["state"] == "Break") & visits["execution"].isin(runs[6:9])]
    latest = broken.sort_values(["exited", "execution"])["execution"].iloc[-1]  # on a slow clock there may be several
    for source in (machine, tmp_path, collection.read(tmp_path)):
        found = collection.failures(source, lab=lab)
        assert found[["state", "error", "cause", "count"]].to_numpy().tolist() == [
            ["Break", "Broken", "order <n> is gone", 3],
            ["Break", "Broken", "disk full", 1],
        ]
        assert found["example"][0] == latest
        assert (found["first_seen"] <= found["last_seen"]).all()
    later = lab.now() + timedelta(hours=1)
    for source in (machine, tmp_path, collection.read(tmp_path)):
        assert collection.failures(source, since=later, lab=lab).empty
        assert len(collection.failures(source, until=later, lab=lab)) == 2
    for source in (tmp_path, collection.read(tmp_path)):
        assert collection.failures(source, machine="another").empty
        assert len(collection.failures(source, machine=machine)) == 2


@pytest.mark.parametrize("wrong", [None, 5, ["a"], {}], ids=repr)
def test_what_is_no_store_is_told(wrong):
    for tried in (collection.read, collection.states, collection.failures):
        with pytest.raises(NotFound, match=f"A store is a folder, .* not a {type(wrong).__name__}"):
            tried(wrong)


def test_an_execution_that_failed_outside_any_state_is_a_failure_too():
    start = {"id": 1, "type": "ExecutionStarted", "timestamp": datetime(2026, 1, 1, tzinfo=UTC), "previousEventId": 0}
    limit = {
        "id": 2,
        "type": "ExecutionFailed",
        "timestamp": datetime(2026, 1, 2, tzinfo=UTC),
        "previousEventId": 1,
        "executionFailedEventDetails": {"error": "States.Runtime", "cause": "maximum number of history events (25000)"},
    }
    found = collection.failures(history.events([start, limit]).assign(execution="one"))
    assert found["error"].tolist() == ["States.Runtime"]
    assert found["state"].isna().all()
    assert found["count"].tolist() == [1]


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ('{"errorMessage": "no order 17", "errorType": "KeyError", "requestId": "a"}', "no order <n>"),
        ("RequestId: 5c0e0c7a-1d2b-4a3c-9d8e-0f1a2b3c4d5e Error: gone", "RequestId: <id> Error: gone"),
        ("at 2026-01-02T03:04:05.678Z", "at <time>"),
        ("object 0x7f53ca2385f0", "object <id>"),
        ("deadbeef00112233 failed", "<id> failed"),
        ("defaced facade", "defaced facade"),
        (None, ""),
        ("{broken", "{broken"),
    ],
)
def test_causes_that_are_alike_become_equal(cause, expected):
    assert causes.normalised(cause) == expected


@pytest.mark.parametrize("latency", [0.05, 0.3, 1.0])
def test_collecting_uses_what_the_bucket_allows_and_never_more(latency):
    """As many workers as we have, each call taking `latency` seconds, on a clock of their own."""
    size, refill = calls.allowance("GetExecutionHistory", "us-east-1")
    time = 0.0
    due = 0.0

    def sleep(seconds: float) -> None:
        nonlocal due
        due = seconds

    bucket = calls.Bucket(calls.SHARE * size, calls.SHARE * refill, now=lambda: time, sleep=sleep)
    free = [0.0] * collection.WORKERS
    begun = []
    for _ in range(10_000):
        time, due = heapq.heappop(free), 0.0
        bucket.take()
        begun.append(time + due)
        heapq.heappush(free, time + due + latency)
    for number, moment in enumerate(sorted(begun), start=1):
        assert number <= size + refill * moment
    assert len(begun) >= 0.95 * (size + refill * max(begun))


def test_children_of_map_runs_are_collected_once_and_summed_up(lab, ran, tmp_path):
    inner = {"StartAt": "Odd", "States": {"Odd": {"Type": "Fail", "Error": "Odd"}}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **inner}
    each = {
        "Type": "Map",
        "Label": "each",
        "ItemsPath": "$",
        "ItemProcessor": processor,
        "ToleratedFailurePercentage": 100,
        "End": True,
    }
    machine = deploy.deploy({"StartAt": "Each", "States": {"Each": each}}, "parent", lab=lab).arn
    run = execution.start(machine, [1, 2, 3], lab=lab)
    execution.wait(run, timeout=30, progress=False, lab=lab)
    done = collect(lab, machine, tmp_path)
    assert (done.fetched, done.children, done.left) == (1, 3, 0)
    assert "3 children of Map Runs" in repr(done)
    again = collect(lab, machine, tmp_path)
    assert (again.fetched, again.children, again.known) == (0, 0, 1)
    sums = workbench.states(tmp_path, machine=machine.split(":")[-1]).set_index("state")
    assert sums["count"].to_dict() == {"Each": 1, "Odd": 3}
    assert sums.loc["Odd", "error_rate"] == 1
    assert workbench.failures(tmp_path)[["state", "count"]].to_numpy().tolist() == [["Odd", 3]]
    assert collect(lab, machine, tmp_path / "alone", children=False).children == 0


def test_dask_gives_the_same_frame(lab, ran, tmp_path):
    pytest.importorskip("dask.dataframe", reason="the extra `dask` is not installed")
    machine, _ = ran
    collect(lab, machine, tmp_path)
    with_dask = collection.read(tmp_path, dask=True)
    whole = with_dask.compute().sort_values(["execution", "id"], ignore_index=True)
    pd.testing.assert_frame_equal(whole, collection.read(tmp_path))
    visits = with_dask.map_partitions(history.visits).compute()
    assert len(visits) == len(history.visits(whole))


def test_two_processes_of_a_dask_cluster_read_a_store(tmp_path):
    distributed = pytest.importorskip("distributed", reason="`pip install distributed` adds Dask's cluster")
    for number in (1, 2, 3):  # on three days, so in three files
        stores.add(tmp_path, [test_fleet.run(number)])
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        frame = collection.read(tmp_path, dask=True)
        assert frame.npartitions == 3
        visits = frame.map_partitions(history.visits).compute()
    expected = history.visits(collection.read(tmp_path))
    assert len(visits) == len(expected) == 6
    assert set(visits["execution"]) == set(expected["execution"])


def stored(store: Path, machine: str) -> execution.Execution:
    """An execution of a machine of that name, written into a store."""
    arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{machine}"
    began = datetime(2026, 1, 1, tzinfo=UTC)
    one = execution.Execution(f"{arn}:one", "one", arn, "SUCCEEDED", began, began)
    event = {"id": 1, "type": "ExecutionStarted", "timestamp": began, "previousEventId": 0}
    stores.add(store, [(one, history.events([event], execution=one.arn))])
    return one


@pytest.mark.parametrize("machine", ["ä" * 80, "\U0001d504" * 80, "dotted.", "plain-name", "x" * 80, "a b"])
def test_a_machine_of_any_name_has_a_folder_that_any_file_system_takes(machine, tmp_path):
    one, other = stored(tmp_path, machine), stored(tmp_path, machine[:-1] + "_")
    for path in tmp_path.rglob("*"):
        assert len(path.name.encode()) <= 143
        assert path.name.isascii()
        assert not path.name.endswith((".", " "))
    assert collection.read(tmp_path, machine=machine)["execution"].tolist() == [one.arn]
    assert set(collection.read(tmp_path)["execution"]) == {one.arn, other.arn}


def test_a_store_follows_no_links(tmp_path):
    elsewhere, store = tmp_path / "elsewhere", tmp_path / "store"
    stored(elsewhere, "theirs")
    stored(store, "ours")
    for part in ("events", "executions"):
        (store / part / "machine=theirs").symlink_to(elsewhere / part / "machine=theirs")
    assert len(set(collection.read(store)["execution"])) == 1
    before = list(elsewhere.rglob("*"))
    with pytest.raises(LabError, match="link"):
        stored(store, "theirs")
    assert list(elsewhere.rglob("*")) == before


def test_what_was_caught_by_or_retried_with_a_map_is_no_failure():
    caught, _ = handmade.read(handmade.HISTORIES["a branch fails, the others are cut short, the error is caught"])
    retried, _ = handmade.read(handmade.HISTORIES["the Map inside an iteration fails, and the outer one runs again"])
    failed, _ = handmade.read(ENDINGS["a Parallel in a Map"][0])
    both = [history.events(one, execution=str(number)) for number, one in enumerate((caught, retried, failed))]
    found = collection.failures(pd.concat(both))
    assert sorted(found[["state", "error", "example"]].to_numpy().tolist()) == [
        ["Left", "Boom", "2"],
        ["Left", "States.Timeout", "2"],
    ]
