"""Machines to hold the readers of definitions against, written after the behaviour that AWS documents."""

from __future__ import annotations

from typing import Any

INVOKE = "arn:aws:states:::lambda:invoke"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"
RETRIED = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2}]


def machine(start: str, states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": states, **fields}


def task(next_: str | None = None, **fields: Any) -> dict[str, Any]:
    goes = {"Next": next_} if next_ else {"End": True}
    return {"Type": "Task", "Resource": FUNCTION, **goes, **fields}


def wait(next_: str, seconds: int = 2, **fields: Any) -> dict[str, Any]:
    return {"Type": "Wait", "Seconds": seconds, "Next": next_, **fields}


def choice(rules: list[dict[str, Any]], default: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": rules, **({"Default": default} if default else {}), **fields}


def equals(variable: str, value: str, next_: str) -> dict[str, Any]:
    return {"Variable": variable, "StringEquals": value, "Next": next_}


def job_poller(**fields: Any) -> dict[str, Any]:
    """Submit, wait, ask, decide: the sample that AWS calls Job Poller."""
    return machine(
        "Submit",
        {
            "Submit": task("Wait", ResultPath="$.guid", Retry=RETRIED),
            "Wait": {"Type": "Wait", "SecondsPath": "$.wait_time", "Next": "Ask"},
            "Ask": task("Complete?", InputPath="$.guid", ResultPath="$.status", Retry=RETRIED),
            "Complete?": choice(
                [equals("$.status", "FAILED", "Failed"), equals("$.status", "SUCCEEDED", "Fetch")], "Wait"
            ),
            "Failed": {"Type": "Fail", "Error": "JobFailed"},
            "Fetch": task(InputPath="$.guid", Retry=RETRIED),
        },
        **fields,
    )


def iterate() -> dict[str, Any]:
    """A Lambda counts the turns of a loop: the tutorial on iterating with a function."""
    return machine(
        "Configure",
        {
            "Configure": {
                "Type": "Pass",
                "Result": {"count": 10, "index": 0, "step": 1},
                "ResultPath": "$.iterator",
                "Next": "Iterator",
            },
            "Iterator": task("Reached?", ResultPath="$.iterator", Retry=RETRIED),
            "Reached?": choice([{"Variable": "$.iterator.continue", "BooleanEquals": True, "Next": "Work"}], "Done"),
            "Work": {"Type": "Pass", "Result": {"success": True}, "ResultPath": "$.result", "Next": "Iterator"},
            "Done": {"Type": "Pass", "End": True},
        },
    )


def transfer() -> dict[str, Any]:
    """A list is worked off by its first element, a slice taking that away: the sample of transferring records."""
    return machine(
        "Seed",
        {
            "Seed": task("More?", ResultPath="$.List", Retry=RETRIED),
            "More?": choice([{"Not": {"Variable": "$.List[0]", "StringEquals": "DONE"}, "Next": "Read"}], "Succeed"),
            "Read": {
                "Type": "Task",
                "Resource": "arn:aws:states:::dynamodb:getItem",
                "Parameters": {"TableName": "t", "Key": {"MessageId": {"S.$": "$.List[0]"}}},
                "ResultPath": "$.DynamoDB",
                "Next": "Send",
            },
            "Send": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"MessageBody.$": "$.DynamoDB.Item.Message.S", "QueueUrl": "q"},
                "ResultPath": "$.SQS",
                "Next": "Pop",
            },
            "Pop": {"Type": "Pass", "Parameters": {"List.$": "$.List[1:]"}, "Next": "More?"},
            "Succeed": {"Type": "Succeed"},
        },
    )


def callback() -> dict[str, Any]:
    """A message with a task token, and a way for either end: the sample of the callback pattern."""
    return machine(
        "Ask",
        {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
                "Next": "Good",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}],
            },
            "Good": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}, "End": True},
            "Bad": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}, "End": True},
        },
        TimeoutSeconds=3600,
    )


def batch_job() -> dict[str, Any]:
    """A Batch job and a notice of its end: the sample of managing a Batch job."""
    return machine(
        "Submit",
        {
            "Submit": {
                "Type": "Task",
                "Resource": "arn:aws:states:::batch:submitJob.sync",
                "Parameters": {"JobName": "j"},
                "Next": "Good",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}],
            },
            "Good": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}, "End": True},
            "Bad": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}, "End": True},
        },
        TimeoutSeconds=3600,
    )


def parallel_and_map() -> dict[str, Any]:
    """Two branches, one of them with a Map in the older and one in the newer writing."""
    one = machine("One", {"One": task(Retry=RETRIED)})
    inner = machine(
        "Inner", {"Inner": task(Retry=RETRIED)}, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    )
    return machine(
        "Both",
        {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    machine("Old", {"Old": {"Type": "Map", "Iterator": one, "End": True}}),
                    machine("New", {"New": {"Type": "Map", "ItemProcessor": inner, "End": True}}),
                ],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Broken"}],
                "Retry": [{"ErrorEquals": ["States.ALL"]}],
                "Next": "Done",
            },
            "Done": {"Type": "Succeed"},
            "Broken": {"Type": "Fail"},
        },
    )


def counted_jsonata() -> dict[str, Any]:
    """Polls counted in a variable, asked again each turn, in JSONata."""
    return machine(
        "Submit",
        {
            "Submit": task("Pause", Assign={"job": "{% $states.result.id %}", "polls": 0}, Retry=RETRIED),
            "Pause": wait("Ask"),
            "Ask": task(
                "Done?",
                Arguments={"id": "{% $job %}"},
                Assign={"polls": "{% $polls + 1 %}"},
                Retry=RETRIED,
            ),
            "Done?": choice(
                [
                    {"Condition": "{% $states.input.status = 'SUCCEEDED' %}", "Next": "Good"},
                    {"Condition": "{% $polls >= 20 %}", "Next": "Bad"},
                ],
                "Pause",
            ),
            "Good": {"Type": "Succeed"},
            "Bad": {"Type": "Fail", "Error": "GaveUp"},
        },
        QueryLanguage="JSONata",
    )


SAMPLES = {
    "iterate": iterate,
    "transfer": transfer,
    "callback": callback,
    "batch_job": batch_job,
    "parallel_and_map": parallel_and_map,
    "counted_jsonata": counted_jsonata,
}
