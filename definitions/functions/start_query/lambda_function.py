"""Starts an Athena query and answers at once with its id."""

import os

import boto3


def lambda_handler(event, context):
    started = boto3.client("athena").start_query_execution(
        QueryString=event["sql"],
        QueryExecutionContext={"Database": event["database"]},
        ResultConfiguration={"OutputLocation": event["output"]},
        WorkGroup=os.environ.get("LAB_WORKGROUP", "primary"),
    )
    return {"id": started["QueryExecutionId"]}
