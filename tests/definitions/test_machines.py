"""Every machine of `definitions/` is run to each of its ends."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import helpers
from helpers import definition, deploy, diagram, execution
from tests.definitions.running import Machines

PROBLEMS = {
    "busy_wait": {"endless-loop": ("WaitforInvocation", "CheckInvocationsStatus")},
    "recheck": {"unbounded-polling": ("Pause", "AskJob", "IsDone")},
}


@pytest.mark.parametrize("name", definition.names())
def test_problems_are_those_that_the_lessons_are_about(name):
    found = {problem.kind: problem.states for problem in definition.problems(definition.load(name))}
    assert found == PROBLEMS.get(name, {})


@pytest.mark.parametrize("name", definition.names())
def test_machine_is_valid_and_can_be_drawn(lab, name):
    raw = definition.load(name)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:any"
    filled = definition.load(
        name, **{one: arn if one.endswith("Arn") else "any" for one in definition.placeholders(raw)}
    )
    told = lab.client("stepfunctions").validate_state_machine_definition(
        definition=json.dumps(filled), type="EXPRESS" if name == "express_child" else "STANDARD"
    )
    assert (told["result"], told["diagnostics"]) == ("OK", [])
    drawn = diagram.draw(filled).svg()
    assert all(state.name in drawn for state in definition.states(filled))


def test_every_machine_is_run():
    run = {end.machine for end in ENDS.values()} | {"busy_wait", "callback", "event", "express_child"}
    assert run == set(definition.names())


def sooner(seconds: int) -> Callable[[dict[str, Any]], None]:
    """Lets the machine time out after so many seconds, so that fewer polls are needed to see it."""
    return lambda raw: raw.update(TimeoutSeconds=seconds)


def in_time(raw: dict[str, Any]) -> None:
    """Lets a function that has yet to load boto3 come to its end on a busy computer."""
    raw["States"]["SendBill"]["TimeoutSeconds"] = 25


@dataclass(frozen=True)
class End:
    """A way to an end: what the machine is given, and how it ends."""

    machine: str
    given: Any
    status: str = "SUCCEEDED"
    error: str | None = None
    cause: str = ""
    output: dict[str, Any] = field(default_factory=dict)
    entered: dict[str, int] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] | None = None


DONE, FAILED = {"seconds": 9.9}, {"seconds": 9.9, "outcome": "failed"}  # just before a poll
UNREADABLE = {"outcome": "an/id/that/nobody/can/read"}
ORDERS = [{"order": number} for number in range(1, 6)]
GOOD, BAD = {"sql": "SELECT 1 AS one"}, {"sql": "SELECT nothing FROM nowhere"}
QUERY_SECONDS = 9  # in the middle between two polls: a query begins a little after it was asked for

ENDS = {
    "busy_wait, its own function": End(
        "busy_wait",
        {"any": "thing"},
        output={"status": "success", "message": "Hello, World!"},
        entered={"WaitforInvocation": 1},
    ),
    "busy_wait, an exception is not retried": End(
        "busy_wait",
        {},
        "FAILED",
        "ValueError",
        "no such order",
        tries={"Main": 1},
        functions={"FunctionArn": "no_such_order"},
    ),
    "busy_wait, throttled for good": End(
        "busy_wait",
        {},
        "FAILED",
        "Lambda.TooManyRequestsException",
        tries={"Main": 7},
        functions={"FunctionArn": "throttled"},
    ),
    "recheck, done": End("recheck", DONE, entered={"AskJob": 5}),
    "recheck, done at once": End("recheck", {"seconds": 0}, entered={"AskJob": 1}),
    "recheck, failed": End("recheck", FAILED, "FAILED", "JobFailed", "says that it failed", entered={"AskJob": 5}),
    "recheck, the asking fails": End("recheck", UNREADABLE, "FAILED", "ValueError", entered={"AskJob": 1}),
    "bounded, done": End("bounded", DONE, entered={"AskJob": 4}),
    "bounded, done after the longest pause": End("bounded", {"seconds": 110}, entered={"AskJob": 7, "LongestPause": 1}),
    "bounded, failed": End("bounded", FAILED, "FAILED", "JobFailed", "says that it failed", entered={"AskJob": 4}),
    "bounded, gave up": End(
        "bounded",
        {"seconds": 3000},
        "FAILED",
        "GaveUp",
        "as many polls",
        entered={"AskJob": 10},
    ),
    "bounded, timed out": End("bounded", DONE, "TIMED_OUT", entered={"AskJob": 2}, change=sooner(6)),
    "counted, done": End("counted", DONE, output={"polls": 4}, entered={"AskJob": 4}),
    "counted, failed": End("counted", FAILED, "FAILED", "JobFailed", "says that it failed", entered={"AskJob": 4}),
    "counted, gave up": End(
        "counted",
        {"seconds": 3000},
        "FAILED",
        "GaveUp",
        "after 10 polls",
        entered={"AskJob": 10},
    ),
    "counted, timed out": End("counted", DONE, "TIMED_OUT", entered={"AskJob": 2}, change=sooner(6)),
    "retry_polling, done at once": End("retry_polling", {"seconds": 0}, tries={"AskJob": 1}),
    "retry_polling, done": End("retry_polling", {"seconds": 20}, entered={"AskJob": 1}),
    "retry_polling, failed": End("retry_polling", FAILED, "FAILED", "JobFailed", "says that it failed"),
    "retry_polling, gave up": End(
        "retry_polling",
        {"seconds": 3000},
        "FAILED",
        "GaveUp",
        "as many retries",
        tries={"AskJob": 13},
    ),
    "retry_polling, timed out": End("retry_polling", {"seconds": 3000}, "TIMED_OUT", change=sooner(5)),
    "standard_parent, done": End("standard_parent", DONE, entered={"AskInChild": 2}),
    "standard_parent, failed": End(
        "standard_parent", FAILED, "FAILED", "JobFailed", "says that it failed", entered={"AskInChild": 2}
    ),
    "standard_parent, the child failed": End(
        "standard_parent", UNREADABLE, "FAILED", "ChildFailed", "could not say", entered={"AskInChild": 1}
    ),
    "standard_parent, timed out": End(
        "standard_parent", {"seconds": 99}, "TIMED_OUT", entered={"AskInChild": 3}, change=sooner(19)
    ),
    "athena_lambda, done": End("athena_lambda", GOOD),
    "athena_lambda, failed": End("athena_lambda", BAD, "FAILED", "QueryFailed", "nowhere"),
    "athena_lambda, timed out": End("athena_lambda", GOOD, "TIMED_OUT", change=sooner(5)),
    "athena_sdk, done": End("athena_sdk", GOOD, entered={"AskQuery": 5}),
    "athena_sdk, failed": End("athena_sdk", BAD, "FAILED", "QueryFailed", "ended as FAILED"),
    "athena_sdk, timed out": End("athena_sdk", GOOD, "TIMED_OUT", entered={"AskQuery": 2}, change=sooner(5)),
    "athena_sync, done": End("athena_sync", GOOD, tries={"RunQuery": 1}),
    "athena_sync, failed": End("athena_sync", BAD, "FAILED", "States.TaskFailed", "nowhere"),
    "athena_sync, timed out": End(
        "athena_sync",
        GOOD,
        "FAILED",
        "States.Timeout",
        change=lambda raw: raw["States"]["RunQuery"].update(TimeoutSeconds=5),
    ),
    "watched_query, done": End("watched_query", GOOD, entered={"AskQuery": 5, "CancelQuery": 0}),
    "watched_query, failed": End(
        "watched_query", BAD, "FAILED", "QueryFailed", "ended as FAILED", entered={"CancelQuery": 0}
    ),
    "watched_query, cannot ask": End(
        "watched_query",
        GOOD,
        "FAILED",
        "Athena.InvalidRequestException",
        entered={"CancelQuery": 1},
        change=lambda raw: raw["States"]["AskQuery"].update(Parameters={"QueryExecutionId": "none"}),
    ),
    "query_once, nobody to publish for": End(
        "query_once", {"day": "1", **GOOD}, "FAILED", "S3.NoSuchKeyException", tries={"RunQuery": 1, "Publish": 1}
    ),
    "bill, sent": End("bill", {"order": 1, "seconds": 0}, tries={"SendBill": 1}, change=in_time),
    "bill, too slow twice": End(
        "bill", {"order": 1, "seconds": 1.5}, "FAILED", "States.Timeout", tries={"SendBill": 2}
    ),
    "careful, done": End("careful", {"do": "well"}, output={"did": "well"}, tries={"Work": 1}),
    "careful, caught": End("careful", {"do": "raise"}, output={"stock": "ordered"}, tries={"Work": 1}),
    "careful, worker lost": End("careful", {"do": "exit"}, "FAILED", "Runtime.ExitError", tries={"Work": 1}),
    "careful, too slow twice": End(
        "careful", {"do": "sleep", "seconds": 2.5}, "FAILED", "States.Timeout", tries={"Work": 2}
    ),
    "careful, throttled for good": End(
        "careful",
        {},
        "FAILED",
        "Lambda.TooManyRequestsException",
        tries={"Work": 7},
        functions={"MisbehaveArn": "throttled"},
    ),
    "orders, done": End("orders", {"orders": ORDERS}, entered={"Pack": 5, "Shipped": 5}),
    "orders, none": End("orders", {"orders": []}, output={"shipped": []}, entered={"Pack": 0}),
    "orders, one cannot be packed": End(
        "orders", {"orders": [{"order": 1, "do": "raise"}]}, "FAILED", "OutOfStock", "no more", tries={"Pack": 3}
    ),
    "report, written": End("report", {**DONE, "stock": {}}, output={"report": "written"}, entered={"AskJob": 5}),
    "report, the job failed": End("report", {**FAILED, "stock": {}}, "FAILED", "NoReport", "could not be fetched"),
    "report, no stock": End(
        "report", {**DONE, "stock": {"do": "raise"}}, "FAILED", "NoReport", tries={"CountStock": 1}
    ),
    "report, timed out": End(
        "report", {"seconds": 99, "stock": {}}, "TIMED_OUT", entered={"AskJob": 2}, change=sooner(5)
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _queries_take_a_while(lab: helpers.Lab) -> Iterator[None]:
    lab.query_seconds(QUERY_SECONDS)
    yield
    lab.query_seconds()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_machine_ends(machines: Machines, end: End):
    ended = machines.run(machines.make(end.machine, end.functions, end.change), end.given)
    assert (ended.status, ended.error) == (end.status, end.error), ended.cause
    assert end.cause in (ended.cause or "")
    assert {name: ended.output[name] for name in end.output} == end.output
    assert {state: ended.entered(state) for state in end.entered} == end.entered
    tries = ended.attempts["state"].value_counts()
    assert {state: tries[state] for state in end.tries} == end.tries


@pytest.mark.parametrize("name", ["recheck", "bounded", "counted", "retry_polling", "standard_parent", "report"])
def test_every_poll_asks_for_the_job_that_was_started(machines, name):
    ended = machines.run(machines.make(name), {**DONE, "stock": {}})
    tasks = ended.events[ended.events["type"] == "TaskScheduled"]
    asked = ["/9.9/success" in told for told in tasks.loc[tasks["state"].str.startswith("Ask"), "input"]]
    assert len(asked) > 1
    assert all(asked)


def test_article_loop_never_asks_again_and_is_stopped(machines):
    """Not ready the first time, it goes round although the job is long done, until somebody stops it."""
    arn = machines.make("busy_wait", {"FunctionArn": "start_job"})
    # Without a bound it turns so fast that its history may be full before the word to stop arrives.
    with machines.lab.fast_forward(rate=100):
        run = execution.start(arn, {"seconds": 1}, lab=machines.lab)
        turns = (event for event in execution.follow(run, lab=machines.lab) if event["type"] == "WaitStateEntered")
        next(itertools.islice(turns, 9, None))
        execution.stop(run, "Lesson.Over", "It would go on for ever.", lab=machines.lab)
        ended = machines.end(run)
    assert (ended.status, ended.error, ended.cause) == ("ABORTED", "Lesson.Over", "It would go on for ever.")
    assert ended.entered("Main") == 1
    assert ended.entered("WaitforInvocation") >= 10


def test_article_loop_ends_when_its_history_is_full(machines):
    machines.lab.history_limit(200)
    try:
        ended = machines.run(machines.make("busy_wait", {"FunctionArn": "start_job"}), {"seconds": 1})
    finally:
        machines.lab.history_limit()
    assert ended.status == "FAILED"
    assert "maximum number of history events" in ended.cause
    assert len(ended.events) == 200


@pytest.mark.parametrize(
    ("name", "error"),
    [("athena_lambda", "QueryFailed"), ("athena_sdk", "QueryFailed"), ("athena_sync", "States.TaskFailed")],
)
def test_query_that_somebody_cancels(machines, name, error):
    athena = machines.lab.client("athena")
    run = execution.start(machines.make(name), {"sql": f"SELECT '{name}' AS way"}, lab=machines.lab)
    started = {"TaskSubmitted" if name == "athena_sync" else "TaskSucceeded"}
    next(event for event in execution.follow(run, lab=machines.lab) if event["type"] in started)
    newest = athena.list_query_executions(MaxResults=1)["QueryExecutionIds"][0]
    athena.stop_query_execution(QueryExecutionId=newest)
    with machines.lab.fast_forward():
        ended = machines.end(run)
    assert (ended.status, ended.error) == ("FAILED", error)
    if name != "athena_lambda":
        assert "CANCELLED" in ended.cause


def test_callback_done(machines):
    run = execution.start(machines.make("callback"), {"job": 7}, lab=machines.lab)
    message = machines.message()
    assert message["job"] == {"job": 7}
    machines.lab.client("stepfunctions").send_task_success(taskToken=message["token"], output='{"stars": 6000}')
    ended = machines.end(run)
    assert (ended.status, ended.output) == ("SUCCEEDED", {"job": 7, "answer": {"stars": 6000}})


def test_callback_failed(machines):
    run = execution.start(machines.make("callback"), lab=machines.lab)
    told = {"taskToken": machines.message()["token"], "error": "NoStars", "cause": "It is cloudy."}
    machines.lab.client("stepfunctions").send_task_failure(**told)
    ended = machines.end(run)
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "NoStars", "It is cloudy.")


def test_callback_worker_lost(machines):
    ended = machines.run(machines.make("callback"))
    machines.message()
    assert (ended.status, ended.error) == ("FAILED", "WorkerLost")
    assert ended.events["elapsed"].max().total_seconds() == pytest.approx(60, abs=5)


LIVING = {
    "StartAt": "Work",
    "States": {
        "Work": {"Type": "Wait", "Seconds": 50, "Next": "Beat"},
        "Beat": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskHeartbeat",
            "Parameters": {"TaskToken.$": "$.token"},
            "ResultPath": None,
            "Next": "More",
        },
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.enough", "IsPresent": True, "Next": "Done"}],
            "Default": "Work",
        },
        "Done": {"Type": "Succeed"},
    },
}


def test_callback_too_late(machines):
    """The worker is a machine too: it works and sends heartbeats, and never comes to an end."""
    living = deploy.state_machine("living", LIVING, lab=machines.lab)
    with machines.lab.fast_forward(hold_tokens=True):
        run = execution.start(machines.make("callback"), lab=machines.lab)
        beating = execution.start(living, {"token": machines.message()["token"]}, lab=machines.lab)
    with machines.lab.fast_forward():
        ended, lost = machines.end(run), machines.end(beating)
    assert (ended.status, ended.error) == ("FAILED", "TooLate")
    assert ended.events["elapsed"].max().total_seconds() == pytest.approx(3600, abs=5)
    assert lost.error == "Sfn.TaskTimedOutException"


@pytest.fixture(scope="module")
def bus(machines: Machines) -> Any:
    """The way of an event: a wanted job into the worker's queue, a job that is done to the function that calls back."""
    events, sqs = machines.lab.client("events"), machines.lab.client("sqs")
    queue = machines.placeholder("QueueUrl")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    for kind, target in (("JobWanted", attributes["QueueArn"]), ("JobDone", machines.function("call_back"))):
        pattern = {"source": ["lab.jobs"], "detail-type": [kind]}
        events.put_rule(Name=kind, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=kind, Targets=[{"Id": "only", "Arn": target}])
    yield events
    for kind in ("JobWanted", "JobDone"):
        events.remove_targets(Rule=kind, Ids=["only"])
        events.delete_rule(Name=kind)


@pytest.mark.parametrize(
    ("said", "status", "error", "output"),
    [
        ("success", "SUCCEEDED", None, {"job": {"status": "success"}}),
        ("failed", "FAILED", "JobFailed", None),
    ],
)
def test_event_tells_the_end_of_the_job(machines, bus, said, status, error, output):
    run = execution.start(machines.make("event"), lab=machines.lab)
    token = machines.message()["detail"]["token"]
    detail = json.dumps({"token": token, "status": said})
    bus.put_events(Entries=[{"Source": "lab.jobs", "DetailType": "JobDone", "Detail": detail}])
    ended = machines.end(run)
    assert (ended.status, ended.error, ended.output) == (status, error, output)


def test_event_that_never_comes(machines, bus):
    ended = machines.run(machines.make("event"))
    machines.message()
    assert (ended.status, ended.error) == ("FAILED", "NoEvent")
    assert ended.events["elapsed"].max().total_seconds() == pytest.approx(3600, abs=5)


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [("0/1/success", "SUCCEEDED", None), ("no such id", "FAILED", "ValueError")],
)
def test_express_child_asks_once(machines, given, status, error):
    arn = machines.placeholder("ChildArn")["ChildArn"]
    told = json.dumps({"id": given})
    ended = machines.lab.client("stepfunctions").start_sync_execution(stateMachineArn=arn, input=told)
    assert (ended["status"], ended.get("error")) == (status, error)
    if error is None:
        assert json.loads(ended["output"]) == {"id": given, "status": "success"}


def test_one_query_however_many_executions_ask(machines):
    lab = machines.lab
    arn, given = machines.make("query_once"), {"day": "2", "sql": "SELECT 'once' AS one"}
    runs = [execution.start(arn, given, lab=lab) for _ in range(3)]
    with lab.fast_forward():
        ended = [machines.end(run) for run in runs]
    outputs = [one.events[one.events["type"] == "TaskSucceeded"]["output"].iloc[0] for one in ended]
    assert len({json.loads(output)["QueryExecution"]["QueryExecutionId"] for output in outputs}) == 1


def test_the_query_of_a_stopped_execution_is_cancelled_by_whom_the_event_calls(machines):
    lab, athena = machines.lab, machines.lab.client("athena")
    run = execution.start(machines.make("watched_query"), {"sql": "SELECT 'stopped' AS one"}, lab=lab)
    event = next(event for event in execution.follow(run, lab=lab) if event["type"] == "TaskSucceeded")
    query = json.loads(event["taskSucceededEventDetails"]["output"])["QueryExecutionId"]
    execution.stop(run, lab=lab)
    told = lab.client("lambda").invoke(
        FunctionName=machines.function("cancel_query"), Payload=json.dumps({"detail": {"executionArn": run}})
    )
    assert "FunctionError" not in told, told["Payload"].read()
    assert athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] == "CANCELLED"


def test_a_bill_with_a_name_is_sent_once_however_often_it_is_tried(machines):
    lab, function = machines.lab, machines.function("send_bill")
    bucket = machines.placeholder("Bucket")["Bucket"]
    for order, bill in ((31, None), (31, None), (32, "order-32"), (32, "order-32")):
        given = {"order": order, "bucket": bucket, "bill": bill}
        assert "FunctionError" not in lab.client("lambda").invoke(FunctionName=function, Payload=json.dumps(given))
    s3 = lab.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="bills/")["Contents"]]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    assert (bodies.count(b"For order 31"), bodies.count(b"For order 32")) == (2, 1)
