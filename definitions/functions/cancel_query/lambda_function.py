"""Called by a rule when an execution was stopped or timed out: cancels the query that it had started."""

import json

import boto3


def lambda_handler(event, context):
    arn = event["detail"]["executionArn"]
    events = boto3.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    ended = [one["taskSucceededEventDetails"] for one in events if one["type"] == "TaskSucceeded"]
    if started := json.loads(ended[0]["output"]) if ended else None:
        boto3.client("athena").stop_query_execution(QueryExecutionId=started["QueryExecutionId"])
