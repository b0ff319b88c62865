"""Called by a rule when a job announces its end: passes the job's outcome on to the waiting execution."""

import json

import boto3


def lambda_handler(event, context):
    job = event["detail"]
    boto3.client("stepfunctions").send_task_success(
        taskToken=job["token"], output=json.dumps({"status": job["status"]})
    )
