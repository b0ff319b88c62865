"""Machines of the kinds that AWS's samples show, written anew: sound ones raise no alarm, and each bound counts."""

from typing import Any

import pytest

from helpers.definition import problems
from tests.definition.machines import INVOKE, choice, equals, machine, wait

LAMBDA_RETRY = [
    {
        "ErrorEquals": [
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        ],
        "IntervalSeconds": 1,
        "MaxAttempts": 3,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    }
]
DONE, FAILED = {"Type": "Succeed"}, {"Type": "Fail", "Error": "Failed"}


def service(resource: str, next_: str | None = None, **fields: Any) -> dict[str, Any]:
    """A task that calls a service, such as `sqs:sendMessage`."""
    goes = {"Next": next_} if next_ else {"End": True}
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {}, **goes, **fields}


def invoke(next_: str | None = None, **fields: Any) -> dict[str, Any]:
    """A task that invokes a function, retried as AWS advises."""
    parameters = {"FunctionName": "work", "Payload.$": "$"}
    return service(INVOKE.removeprefix("arn:aws:states:::"), next_, **{"Parameters": parameters, **fields}) | {
        "Retry": LAMBDA_RETRY
    }


def poller(ask: dict[str, Any], rules: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Submit, pause, ask, decide; bounded by the machine's time unless told otherwise."""
    return machine(
        "Submit",
        {
            "Submit": invoke("Pause", ResultPath="$.job"),
            "Pause": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Ask"},
            "Ask": ask,
            "Decide": choice([*rules, equals("$.status", "FAILED", "Failed")], "Pause"),
            "Done": DONE,
            "Failed": FAILED,
        },
        **{"TimeoutSeconds": 3600, **fields},
    )


SUCCEEDED = [equals("$.status", "SUCCEEDED", "Done")]
POLLERS = {
    "the answer replaces everything": poller(invoke("Decide", OutputPath="$.Payload"), SUCCEEDED),
    "the answer in its place": poller(
        invoke("Decide", ResultSelector={"status.$": "$.Payload.status"}, ResultPath="$.answer"),
        [equals("$.answer.status", "SUCCEEDED", "Done")],
    ),
    "the answer over the job": poller(
        service(
            "aws-sdk:glue:getJobRun",
            "Decide",
            Parameters={"RunId.$": "$.job.Id"},
            ResultSelector={"Id.$": "$.JobRun.Id", "State.$": "$.JobRun.JobRunState"},
            ResultPath="$.job",
        ),
        [equals("$.job.State", "SUCCEEDED", "Done")],
    ),
    "several words in one rule": poller(
        service("aws-sdk:transcribe:getTranscriptionJob", "Decide", ResultPath="$.t"),
        [
            {"Or": [{"Variable": "$.t.Status", "StringEquals": word} for word in ("COMPLETED", "STOPPED")]}
            | {"Next": "Done"}
        ],
    ),
    "not running any more": poller(
        service("aws-sdk:ec2:describeInstances", "Decide", ResultPath="$.found"),
        [{"Not": {"Variable": "$.found.Reservations[0].State", "StringEquals": "pending"}, "Next": "Done"}],
    ),
    "present or not": poller(
        service("aws-sdk:dynamodb:getItem", "Decide", ResultPath="$.row"),
        [{"And": [{"Variable": "$.row.Item", "IsPresent": True}], "Next": "Done"}],
    ),
    "no time, but a count in the function's answer": poller(
        invoke("Decide", ResultSelector={"status.$": "$.Payload.s", "n.$": "$.Payload.n"}, ResultPath="$.poll"),
        [
            equals("$.poll.status", "SUCCEEDED", "Done"),
            {"Variable": "$.poll.n", "NumericGreaterThan": 20, "Next": "Failed"},
        ],
    ),
}


@pytest.mark.parametrize("name", POLLERS)
def test_bounded_pollers_raise_no_alarm(name):
    assert problems(POLLERS[name]) == []


def numbered(limit: dict[str, Any]) -> dict[str, Any]:
    """A poller in which a Pass counts the polls."""
    made = poller(invoke("Count", ResultPath="$.answer"), [equals("$.answer.Payload", "SUCCEEDED", "Done"), limit])
    made["States"]["Count"] = {
        "Type": "Pass",
        "Parameters": {"n.$": "States.MathAdd($.polls.n, 1)", "most.$": "$.polls.most"},
        "ResultPath": "$.polls",
        "Next": "Decide",
    }
    made["States"]["Submit"]["Next"] = "Zero"
    made["States"]["Zero"] = {"Type": "Pass", "Result": {"n": 0, "most": 30}, "ResultPath": "$.polls", "Next": "Pause"}
    del made["TimeoutSeconds"]
    return made


@pytest.mark.parametrize(
    "limit",
    [
        {"Variable": "$.polls.n", "NumericGreaterThanEquals": 30, "Next": "Failed"},
        {"Variable": "$.polls.n", "NumericEquals": 30, "Next": "Failed"},
        {"Variable": "$.polls.n", "NumericGreaterThanPath": "$.polls.most", "Next": "Failed"},
        {"Not": {"Variable": "$.polls.n", "NumericLessThan": 30}, "Next": "Failed"},
        {"And": [{"Variable": "$.polls.n", "NumericGreaterThan": 30}], "Next": "Failed"},
    ],
)
def test_a_count_is_a_bound(limit):
    assert problems(numbered(limit)) == []


def test_a_count_that_nobody_looks_at_is_none():
    nobody = numbered(equals("$.answer.other", "x", "Failed"))
    assert [found.kind for found in problems(nobody)] == ["unbounded-polling"]


def pages() -> dict[str, Any]:
    """A list is read page by page, as long as there is a token of the next page."""
    return machine(
        "First",
        {
            "First": service("aws-sdk:sfn:listExecutions", "More?", ResultPath="$.page"),
            "More?": choice([{"Variable": "$.page.NextToken", "IsPresent": True, "Next": "Next"}], "Done"),
            "Next": service(
                "aws-sdk:sfn:listExecutions",
                "More?",
                Parameters={"NextToken.$": "$.page.NextToken"},
                ResultPath="$.page",
            ),
            "Done": DONE,
        },
    )


def semaphore() -> dict[str, Any]:
    """A lock is tried for again and again: a refusal is caught, and the way out is the task's success."""
    refused = {"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "ResultPath": "$.lock", "Next": "Look"}
    return machine(
        "Get",
        {
            "Get": service("dynamodb:updateItem", "Work", Catch=[refused], ResultPath=None),
            "Look": service("dynamodb:getItem", "Mine?", ResultPath="$.lock.found"),
            "Mine?": choice(
                [
                    {
                        "And": [
                            {"Variable": "$.lock.found.text", "IsPresent": True},
                            {"Variable": "$.lock.found.text", "StringMatches": "*Z*"},
                        ],
                        "Next": "Work",
                    }
                ],
                "Pause",
            ),
            "Pause": wait("Get", 3),
            "Work": invoke("Release", ResultPath=None),
            "Release": service("dynamodb:updateItem"),
        },
        TimeoutSeconds=900,
    )


def approval() -> dict[str, Any]:
    """A person approves, rejects, or sends a draft back to be written again."""
    return machine(
        "Write",
        {
            "Write": invoke("Ask", ResultPath="$.draft"),
            "Ask": service(
                "sns:publish.waitForTaskToken",
                "Decide",
                Parameters={"TopicArn": "t", "Message": {"token.$": "$$.Task.Token"}},
                ResultPath="$.decision",
                TimeoutSeconds=86_400,
                Catch=[{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Remind"}],
            ),
            "Remind": service("sns:publish", "Rejected"),
            "Decide": choice(
                [equals("$.decision.said", "yes", "Publish"), equals("$.decision.said", "change", "Write")], "Rejected"
            ),
            "Publish": invoke(),
            "Rejected": {"Type": "Fail", "Error": "Rejected"},
        },
        TimeoutSeconds=604_800,
    )


def retry_and_catch() -> dict[str, Any]:
    """One task, errors of its own retried and caught, the rest told to somebody."""
    retry = [
        {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0},
        {"ErrorEquals": ["Busy"], "IntervalSeconds": 3, "MaxAttempts": 5, "BackoffRate": 2, "MaxDelaySeconds": 30},
        *LAMBDA_RETRY,
    ]
    return machine(
        "Pay",
        {
            "Pay": invoke(
                "Done",
                TimeoutSeconds=10,
                Catch=[
                    {"ErrorEquals": ["NoMoney"], "ResultPath": "$.error", "Next": "Refuse"},
                    {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Tell"},
                ],
            )
            | {"Retry": retry},
            "Refuse": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
            "Tell": service("sns:publish", "Failed"),
            "Done": DONE,
            "Failed": FAILED,
        },
    )


def saga() -> dict[str, Any]:
    """Three bookings, each with a way back that undoes what was done before it."""
    order = ["Hotel", "Flight", "Car"]
    states: dict[str, Any] = {"Booked": DONE, "Undone": FAILED}
    for number, name in enumerate(order):
        back = [{"ErrorEquals": ["States.ALL"], "ResultPath": f"$.{name}Error", "Next": f"Cancel{name}"}]
        onward = order[number + 1] if number + 1 < len(order) else "Booked"
        states[name] = invoke(onward, ResultPath=f"$.{name}", Catch=back)
        before = f"Cancel{order[number - 1]}" if number else "Undone"
        states[f"Cancel{name}"] = invoke(before, ResultPath=f"$.Cancel{name}")
    return machine("Hotel", states)


def scatter_and_gather() -> dict[str, Any]:
    """Items in a Map, each polled by itself; a Parallel beside; what fails is caught where it is."""
    each = machine(
        "Quote",
        {
            "Quote": invoke("Pause", ResultPath="$.job"),
            "Pause": wait("Ask", 5),
            "Ask": invoke("There?", ResultPath="$.job"),
            "There?": choice([{"Variable": "$.job.Payload.there", "BooleanEquals": True, "Next": "Quoted"}], "Pause"),
            "Quoted": {"Type": "Pass", "OutputPath": "$.job.Payload", "End": True},
        },
        ProcessorConfig={"Mode": "INLINE"},
    )
    audit = machine("Audit", {"Audit": service("dynamodb:putItem", ResultPath=None)})
    failed = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Sorry"}]
    return machine(
        "All",
        {
            "All": {
                "Type": "Parallel",
                "Branches": [
                    machine("Each", {"Each": {"Type": "Map", "ItemProcessor": each, "MaxConcurrency": 5, "End": True}}),
                    audit,
                ],
                "ResultSelector": {"quotes.$": "$[0]"},
                "Catch": failed,
                "Next": "Best",
            },
            "Best": invoke(),
            "Sorry": FAILED,
        },
        TimeoutSeconds=600,
    )


def many_files() -> dict[str, Any]:
    """A distributed Map over the rows of a file, its children Express."""
    row = machine(
        "Row",
        {"Row": invoke()},
        ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
    )
    return machine(
        "Rows",
        {
            "Rows": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                    "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
                },
                "ItemBatcher": {"MaxItemsPerBatch": 100},
                "ItemProcessor": row,
                "ToleratedFailurePercentage": 5,
                "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
                "End": True,
            }
        },
    )


def at_a_time() -> dict[str, Any]:
    """Waits until a time that the input tells, and sends a message."""
    return machine(
        "Until",
        {
            "Until": {"Type": "Wait", "TimestampPath": "$.due", "Next": "Send"},
            "Send": service("sns:publish", Retry=[{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2}]),
        },
    )


def carried_on() -> dict[str, Any]:
    """Long work in executions that follow one another: after so many turns a new one is started."""
    return machine(
        "Work",
        {
            "Work": invoke("Enough?", OutputPath="$.Payload"),
            "Enough?": choice(
                [
                    {"Variable": "$.left", "NumericEquals": 0, "Next": "Done"},
                    {"Variable": "$.turn", "NumericGreaterThan": 500, "Next": "Again"},
                ],
                "Work",
            ),
            "Again": service(
                "states:startExecution",
                "Done",
                Parameters={"StateMachineArn.$": "$$.StateMachine.Id", "Input.$": "$"},
            ),
            "Done": DONE,
        },
        TimeoutSeconds=3600,
    )


def jsonata_poller() -> dict[str, Any]:
    """A query that is asked about, counted, in JSONata, its id in a variable."""
    return machine(
        "Start",
        {
            "Start": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",
                "Arguments": {"Sql": "{% $states.input.sql %}"},
                "Assign": {"id": "{% $states.result.Id %}", "polls": 0},
                "Next": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": "{% $min([2 * ($polls + 1), 30]) %}", "Next": "Ask"},
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:redshiftdata:describeStatement",
                "Arguments": {"Id": "{% $id %}"},
                "Assign": {"polls": "{% $polls + 1 %}"},
                "Output": {"status": "{% $states.result.Status %}"},
                "Next": "Decide",
            },
            "Decide": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $states.input.status = 'FINISHED' %}", "Next": "Done"},
                    {"Condition": "{% $states.input.status in ['FAILED', 'ABORTED'] %}", "Next": "Failed"},
                    {"Condition": "{% $polls > 60 %}", "Next": "Failed"},
                ],
                "Default": "Pause",
            },
            "Done": DONE,
            "Failed": FAILED,
        },
        QueryLanguage="JSONata",
    )


SOUND = [
    pages,
    semaphore,
    approval,
    retry_and_catch,
    saga,
    scatter_and_gather,
    many_files,
    at_a_time,
    carried_on,
    jsonata_poller,
]


@pytest.mark.parametrize("make", SOUND, ids=lambda make: make.__name__)
def test_sound_machines_raise_no_alarm(make):
    assert problems(make()) == []


def test_a_lock_that_is_tried_for_without_an_end_is_unbounded():
    for_ever = semaphore()
    del for_ever["TimeoutSeconds"]
    assert [found.kind for found in problems(for_ever)] == ["unbounded-polling"]


def test_an_approval_that_nobody_gives_can_hang():
    patient = approval()
    del patient["TimeoutSeconds"], patient["States"]["Ask"]["TimeoutSeconds"]
    assert ("no-timeout", ("Ask",)) in [(found.kind, found.states) for found in problems(patient)]
