"""Called by a rule when an execution was stopped or timed out: cancels the Athena query that it had started."""

import json

import boto3


def lambda_handler(event, context):
    found = boto3.client("stepfunctions").get_execution_history(executionArn=event["detail"]["executionArn"])
    ended = [event["taskSucceededEventDetails"] for event in found["events"] if event["type"] == "TaskSucceeded"]
    if started := json.loads(ended[0]["output"]) if ended else None:
        boto3.client("athena").stop_query_execution(QueryExecutionId=started["QueryExecutionId"])
