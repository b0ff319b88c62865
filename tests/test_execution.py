"""Starting, waiting for, following and stopping executions."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import helpers
from helpers import calls, deploy, execution, limits, live
from helpers.errors import (
    ExecutionAborted,
    ExecutionFailed,
    ExecutionStillRunning,
    ExecutionTimedOut,
    InvalidInput,
    InvalidName,
    NotAllowed,
    NotFound,
)


def machine(*, seconds: int = 0, ends: str = "Succeed", **body: Any) -> dict[str, Any]:
    """Waits, then succeeds or fails."""
    end = {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"} if ends == "Fail" else {"Type": ends}
    return {
        "StartAt": "Pause",
        "States": {"Pause": {"Type": "Wait", "Seconds": seconds, "Next": "End"}, "End": end},
        **body,
    }


def nested(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.fixture(scope="module")
def machines(lab: helpers.Lab) -> Iterator[dict[str, str]]:
    """ARNs of a machine that ends at once, one that waits an hour, one that fails, one that times out."""
    kinds = {
        "quick": machine(),
        "slow": machine(seconds=3600),
        "failing": machine(ends="Fail"),
        "late": machine(seconds=3600, TimeoutSeconds=1),
    }
    role = deploy.role("runs", service="states", lab=lab)
    yield {name: deploy.state_machine(name, body, role=role, lab=lab) for name, body in kinds.items()}
    deploy.tear_down(lab)


def test_an_execution_without_input_gets_an_empty_object_and_a_name_of_ours(lab, machines):
    arn = execution.start(machines["quick"], lab=lab)
    done = execution.wait(arn, timeout=20, progress=False, lab=lab)
    assert done.status == "SUCCEEDED"
    assert done.input == "{}"
    assert done.result() == {}
    assert execution.check_name(done.name) == arn.split(":")[-1]
    assert done.started <= done.stopped


@pytest.mark.parametrize("given", [{"a": [1, "ä"]}, [1], 5, "null", '{"a": 1.50}'])
def test_input_arrives_as_given(lab, machines, given):
    arn = execution.start(machines["quick"], given, lab=lab)
    expected = json.loads(given) if isinstance(given, str) else given
    assert execution.wait(arn, timeout=20, progress=False, lab=lab).result() == expected


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("{", "line 1, column 2, at its end"),
        ('{"a": 1,\n "b": tru}', r"line 2, column 7, just before 'tru}'"),
        ("", "line 1, column 1"),
        ("hello", "just before 'hello'"),
        ("[NaN]", "NaN"),
        ({"a": float("inf")}, "cannot be written as JSON"),
        ({"a": {1, 2}}, "set"),
        ("[" * 100_000, "nested too deeply"),
        (nested(100_000), "nested too deeply"),
        ("9" * 5_000, "not JSON: Exceeds the limit"),
        ("9" * 5, None),
        ('"' + "x" * 262_143 + '"', "262,145 bytes"),
    ],
)
def test_input_that_is_no_json_says_where_it_breaks(wrong, told):
    if told is None:
        assert execution.input_text(wrong) == wrong
        return
    with pytest.raises(InvalidInput, match=told):
        execution.input_text(wrong)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "at least one"),
        ("x" * 81, "81"),
        ("two words", "white space at position 4"),
        ("tab\there", "white space"),
        ("a/b", "'/' at position 2"),
        ("a:b", "':'"),
        ("{a}", "'{'"),
        ("what?", r"'\?'"),
        ("bell\x07", "x07"),
        ("next\x85line", "position 5"),
    ],
)
def test_a_name_that_aws_refuses_is_refused_before_the_call(lab, machines, name, told):
    before = calls.made["StartExecution"]
    with pytest.raises(InvalidName, match=told):
        execution.start(machines["quick"], name=name, lab=lab)
    assert calls.made["StartExecution"] == before


def test_a_good_name_is_kept_and_cannot_be_used_twice(lab, machines):
    arn = execution.start(machines["quick"], name="my-run_1.ä", lab=lab)
    assert arn.endswith(":my-run_1.ä")
    execution.wait(arn, timeout=20, progress=False, lab=lab)
    with pytest.raises(InvalidName, match="exists already"):
        execution.start(machines["quick"], {"other": 1}, name="my-run_1.ä", lab=lab)


def test_each_way_to_end_has_its_exception(lab, machines):
    failed = execution.wait(execution.start(machines["failing"], lab=lab), timeout=20, progress=False, lab=lab)
    with pytest.raises(ExecutionFailed, match="on purpose") as told:
        failed.result()
    assert (told.value.error, told.value.cause) == ("Broken", "on purpose")
    late = execution.wait(execution.start(machines["late"], lab=lab), timeout=20, progress=False, lab=lab)
    with pytest.raises(ExecutionTimedOut):
        late.result()
    slow = execution.start(machines["slow"], lab=lab)
    stopped = execution.stop(slow, "Enough", "we have seen it", lab=lab)
    assert (stopped.status, stopped.error, stopped.cause) == ("ABORTED", "Enough", "we have seen it")
    with pytest.raises(ExecutionAborted, match="we have seen it"):
        stopped.result()


def test_waiting_has_an_end_and_leaves_the_execution_alone(lab, machines):
    arn = execution.start(machines["slow"], lab=lab)
    with pytest.raises(ExecutionStillRunning, match=r"after 0.2 s"):
        execution.wait(arn, timeout=0.2, progress=False, lab=lab)
    running = execution.describe(arn, lab=lab)
    assert running.running
    with pytest.raises(ExecutionStillRunning):
        running.result()
    execution.stop(arn, lab=lab)


def test_an_interrupt_stops_the_waiting_and_not_the_execution(lab, machines, monkeypatch, capsys):
    arn = execution.start(machines["slow"], lab=lab)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(execution.time, "sleep", interrupt)
        found = execution.wait(arn, lab=lab)
    assert found.running
    assert "goes on" in capsys.readouterr().out
    assert execution.describe(arn, lab=lab).running
    execution.stop(arn, lab=lab)


def test_an_execution_that_is_not_there_is_told(lab, machines):
    missing = machines["quick"].replace(":stateMachine:", ":execution:") + ":nothing"
    with pytest.raises(NotFound):
        execution.wait(missing, lab=lab)
    with pytest.raises(NotFound):
        execution.start(machines["quick"] + "-not", lab=lab)
    with pytest.raises(NotFound, match="Express"):
        execution.describe("arn:aws:states:us-east-1:123456789012:express:m:e:1", lab=lab)


@pytest.mark.parametrize("ask", [execution.wait, execution.events, execution.stop, execution.start, live.watch])
def test_what_is_no_arn_is_refused_with_where_the_arn_is(lab, machines, ask):
    started = lab.client("stepfunctions").start_execution(stateMachineArn=machines["quick"])
    done = execution.wait(started["executionArn"], progress=False, lab=lab)
    for given, place in ((started, r"dict: take its \['executionArn'\]"), (done, r"its \.arn"), (None, "returns one")):
        with pytest.raises(NotFound, match=place):
            ask(given, lab=lab)


def test_on_an_account_an_execution_just_started_may_take_a_moment_to_be_known(lab, machines, monkeypatch):
    arn = execution.start(machines["quick"], lab=lab)
    client, pauses = calls.client(lab), []
    unknown = [{"Error": {"Code": "ExecutionDoesNotExist", "Message": "not yet"}}] * 2

    def refuse(**_: Any) -> Any:
        return (type("Answer", (), {"status_code": 400})(), unknown.pop()) if unknown else None

    monkeypatch.setattr(lab, "target", "aws")
    monkeypatch.setattr(execution.time, "sleep", pauses.append)
    client.meta.events.register("before-call.sfn.DescribeExecution", refuse)
    try:
        assert execution.describe(arn, lab=lab).arn == arn
    finally:
        client.meta.events.unregister("before-call.sfn.DescribeExecution", refuse)
    assert pauses == [0.2, 0.4]


def test_executions_are_listed_newest_first_by_status(lab, machines):
    arns = [execution.start(machines["slow"], lab=lab) for _ in range(3)]
    listed = [one.arn for one in execution.executions(machines["slow"], "RUNNING", lab=lab)]
    assert set(arns) <= set(listed)
    starts = [one.started for one in execution.executions(machines["slow"], lab=lab)]
    assert starts == sorted(starts, reverse=True)
    assert len(list(execution.executions(machines["slow"], limit=2, lab=lab))) == 2
    for arn in arns:
        execution.stop(arn, lab=lab)
    assert not set(arns) & {one.arn for one in execution.executions(machines["slow"], "RUNNING", lab=lab)}


def test_following_gives_each_event_once_as_they_come(lab, machines):
    arn = execution.start(machines["slow"], lab=lab)
    following = execution.Following(arn, lab=lab)
    first: list[Any] = []
    while not any(event["type"] == "WaitStateEntered" for event in first):
        first += following.read()
    assert not following.over
    assert following.read() == []
    execution.stop(arn, lab=lab)
    rest = list(execution.follow(arn, lab=lab))
    assert [event["id"] for event in rest] == list(range(1, len(rest) + 1))
    assert rest == execution.events(arn, lab=lab)
    assert following.read() == rest[len(first) :]
    assert following.over


class Scripted:
    """Stands in for an execution too long for a test: serves pages of a growing history as AWS does."""

    def __init__(self, growth: list[int]) -> None:
        self.growth = iter(growth)
        self.last = next(self.growth)
        self.total = sum(growth)
        self.pages = 0

    def get_execution_history(self, nextToken: str | None = None, **asked: Any) -> dict[str, Any]:  # noqa: N803
        assert asked["maxResults"] == 1000
        assert asked["reverseOrder"]
        self.pages += 1
        newest = int(nextToken) if nextToken else self.last
        oldest = max(newest - 999, 1)
        events = [{"id": id_, "type": self.type_of(id_)} for id_ in range(newest, oldest - 1, -1)]
        page: dict[str, Any] = {"events": events}
        if oldest > 1:
            page["nextToken"] = str(oldest - 1)
        return page

    def type_of(self, id_: int) -> str:
        return "ExecutionSucceeded" if id_ == self.total else "PassStateEntered"

    def grow(self) -> None:
        self.last += next(self.growth)


@pytest.mark.parametrize(
    "growth", [[25_000], [1_000] * 25, [1, 0, 0, 2_500, 999, 1, 0, 1_499, 20_000], [70] * 357 + [10]]
)
def test_following_25000_events_costs_25_pages_and_one_call_a_poll(lab, monkeypatch, growth):
    served = Scripted(growth)
    monkeypatch.setattr(calls, "client", lambda _: served)
    following = execution.Following("arn", lab=lab)
    read: list[int] = []
    polls = 0
    while not following.over:
        if polls:
            served.grow()
        read += [event["id"] for event in following.read()]
        polls += 1
    assert read == list(range(1, 25_001))
    assert served.pages <= 25 + polls


def test_polling_slows_down_but_notices_an_end_within_two_seconds():
    pauses = [execution.pause_after(waited) for waited in (0, 1, 5, 20, 60, 86_400)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.2
    assert max(pauses) < 2


class Clock:
    """Time that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.mark.parametrize(("size", "refill"), [(400, 20), (200, 5), (1300, 300), (1, 0.5)])
def test_a_bucket_gives_all_that_it_holds_and_never_more(size, refill):
    clock = Clock()
    bucket = calls.Bucket(size, refill, now=clock.now, sleep=clock.sleep)
    taken = []
    for _ in range(5 * size):
        bucket.take()
        taken.append(clock.time)
    for number, moment in enumerate(taken, start=1):
        assert number <= size + refill * moment + 1e-6
    assert len(taken) >= 0.999 * (size + refill * taken[-1])


def test_an_idle_bucket_fills_up_to_its_size_and_no_further():
    clock = Clock()
    bucket = calls.Bucket(10, 2, now=clock.now, sleep=clock.sleep)
    for _ in range(10):
        bucket.take()
    clock.sleep(1000)
    idle_until = clock.time
    for _ in range(11):
        bucket.take()
    assert clock.time - idle_until == pytest.approx(0.5)


def test_a_drained_bucket_makes_the_next_call_wait_for_its_token():
    clock = Clock()
    bucket = calls.Bucket(10, 2, now=clock.now, sleep=clock.sleep)
    bucket.drain()
    bucket.take()
    assert clock.time == pytest.approx(0.5)


def test_threads_share_one_bucket():
    asked: list[float] = []
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            asked.append(seconds)

    bucket = calls.Bucket(5, 1, now=lambda: 0.0, sleep=sleep)
    threads = [threading.Thread(target=bucket.take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == [1, 2, 3, 4, 5, 6, 7]


def test_the_buckets_stay_within_what_aws_grants():
    for action in limits.API_BUCKETS:
        for region in ("us-east-1", "eu-central-1"):
            size, refill = calls.allowance(action, region)
            assert 0.95 <= calls.SHARE < 1
            assert calls.SHARE * size <= size
            assert refill > 0
    assert calls.allowance("StartExecution", "us-west-2") == (1300, 300)
    assert calls.allowance("StartExecution", "eu-central-1") == (800, 150)


def test_on_an_account_every_request_takes_a_token_throttled_ones_included(lab, monkeypatch):
    """botocore tries a throttled call again by itself; that is a request too, and AWS's bucket was empty."""
    clock = Clock()
    bucket = calls.Bucket(5, 1, now=clock.now, sleep=clock.sleep)
    monkeypatch.setattr(lab, "target", "aws")
    monkeypatch.setitem(calls._buckets, (lab.account, lab.region, "DescribeExecution"), bucket)
    monkeypatch.setattr(calls, "_clients", {})
    client = calls.client(lab)
    answers = iter(2 * [(400, "ThrottlingException")] + [(400, "AccessDeniedException")])

    class Answer:
        def __init__(self, status: int, code: str) -> None:
            self.status_code, self.headers = status, {}
            self.content = json.dumps({"__type": code, "message": "told"}).encode()
            self.text = self.content.decode()

    client.meta.events.register("before-send.sfn", lambda **_: Answer(*next(answers)))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    before = calls.made["DescribeExecution"]
    with pytest.raises(NotAllowed):
        execution.describe("arn:aws:states:us-east-1:123456789012:execution:m:e", lab=lab)
    assert calls.made["DescribeExecution"] - before == 3
    assert clock.time == pytest.approx(2)
